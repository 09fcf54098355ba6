/** Selects the inputs that an append has to read: those that the dataset does not hold yet. */
import { PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestInput, ManifestRun } from '../model/outcome/manifest.ts'
import type { InputObject } from '../model/plan-data.ts'

export interface AppendPlan {
  readonly inputs: readonly InputObject[]
  /** Runs of the manifest whose parts are replaced, because their inputs are read again. */
  readonly replaces: readonly string[]
}

/**
 * Leaves out the inputs that the manifest lists, whatever code read them; with `isRedo` replaces the runs that read any of them.
 * @throws INPUT_ALREADY_APPENDED when a listed input has changed, or when a run to be replaced read other inputs as well
 */
export function planAppend(
  inputs: readonly InputObject[],
  manifest: Manifest | undefined,
  isRedo: boolean,
): AppendPlan {
  const runs = (manifest?.runs ?? []).filter(run => run.isReplaced !== true)
  return isRedo ? redo(inputs, runs) : { inputs: inputs.filter(input => isNew(input, runs)), replaces: [] }
}

function isNew(input: InputObject, runs: readonly ManifestRun[]): boolean {
  for (const run of runs) {
    const listed = run.inputs.find(({ key }) => key === input.key)
    if (!listed) continue
    if (isSame(listed, input)) return false
    const message = `${input.key} was appended by run ${run.runId} and has changed since; run with --force to replace its rows`
    throw new PermanentError('INPUT_ALREADY_APPENDED', message, { key: input.key, runId: run.runId })
  }
  return true
}

/** An input that was identified by its etag may be identified by a checksum now. */
function isSame(listed: ManifestInput, { identity, etag, sizeBytes }: InputObject): boolean {
  return listed.sizeBytes === sizeBytes && (listed.identity === identity || listed.identity === `etag:${etag}`)
}

function redo(inputs: readonly InputObject[], runs: readonly ManifestRun[]): AppendPlan {
  const keys = new Set(inputs.map(input => input.key))
  const touched = runs.filter(run => run.inputs.some(input => keys.has(input.key)))
  for (const run of touched) {
    const absent = run.inputs.find(input => !keys.has(input.key))
    if (!absent) continue
    const message = `cannot append ${run.inputs.length} inputs of run ${run.runId} again: expected all of them, ${absent.key} is not there; bring it back`
    throw new PermanentError('INPUT_ALREADY_APPENDED', message, { key: absent.key, runId: run.runId })
  }
  return { inputs, replaces: touched.map(run => run.runId) }
}
