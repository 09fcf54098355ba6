/** Selects the inputs that an append has to read: those that the dataset does not hold yet. */
import { PermanentError } from '../errors/errors.ts'
import { datasetOfRun } from '../inputs/identity/dataset-identity.ts'
import type { Manifest, ManifestInput, ManifestRun } from '../model/outcome/manifest.ts'
import type { InputObject } from '../model/plan-data.ts'

export interface AppendPlan {
  readonly inputs: readonly InputObject[]
  /** Runs of the manifest whose parts are replaced, because their inputs are read again. */
  readonly replaces: readonly string[]
}

/**
 * Leaves out the inputs that the manifest lists, whatever code read them; with `isRedo` replaces the runs that read any of them.
 * @throws INPUT_ALREADY_APPENDED when a listed input has changed or was replaced by another, or when a run to be replaced read other inputs as well
 */
export function planAppend(
  inputs: readonly InputObject[],
  manifest: Manifest | undefined,
  isRedo: boolean,
): AppendPlan {
  const { runs = [] } = manifest ?? {}
  const isGone = goneAmong(inputs)
  if (isRedo) return redo(inputs, runs, isGone)
  const added = inputs.filter(input => isNew(input, runs))
  if (added.length > 0) refuseGone(runs, isGone)
  return { inputs: added, replaces: [] }
}

/** @throws INPUT_ALREADY_APPENDED when rows of a run were appended that is gone from its dataset */
function refuseGone(runs: readonly ManifestRun[], isGone: (listed: ManifestInput) => boolean): void {
  for (const { runId, inputs } of runs) {
    const gone = inputs.find(isGone)
    if (!gone) continue
    const message = `the rows of ${gone.key} were appended by run ${runId}, and its dataset has other rows in their place now; run with --force to replace them here too, or choose the mode replace`
    throw new PermanentError('INPUT_ALREADY_APPENDED', message, { key: gone.key, runId })
  }
}

/** Finds the runs that are gone from a dataset that is read: other runs have replaced them, and rows of both would be there twice. */
function goneAmong(inputs: readonly InputObject[]): (listed: ManifestInput) => boolean {
  const keys = new Set(inputs.map(({ key }) => key))
  const datasets = new Set(inputs.map(datasetOfRun))
  return listed => {
    const dataset = datasetOfRun(listed)
    return dataset !== undefined && datasets.has(dataset) && !keys.has(listed.key)
  }
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

function redo(
  inputs: readonly InputObject[],
  runs: readonly ManifestRun[],
  isGone: (listed: ManifestInput) => boolean,
): AppendPlan {
  const keys = new Set(inputs.map(input => input.key))
  const isRead = (listed: ManifestInput): boolean => keys.has(listed.key) || isGone(listed)
  const touched = runs.filter(run => run.inputs.some(isRead))
  for (const run of touched) {
    const absent = run.inputs.find(input => !isRead(input))
    if (!absent) continue
    const message = `cannot append ${run.inputs.length} inputs of run ${run.runId} again: expected all of them, ${absent.key} is not there; bring it back`
    throw new PermanentError('INPUT_ALREADY_APPENDED', message, { key: absent.key, runId: run.runId })
  }
  return { inputs, replaces: touched.map(run => run.runId) }
}
