/** The head of an output: its generation, the process that changes it, and what is committed. */
import { TransientError } from '../errors/errors.ts'
import { nothingFor } from '../errors/expected.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { outputHashOf } from '../model/run/identity.ts'
import type { RunShape } from '../model/schema-fit.ts'
import { type Actor, effect, readState, readVersioned, roundsMax, type Versioned } from '../state/files.ts'
import {
  type Committing,
  type Head,
  type Lease,
  outputKeys,
  outputPrefix,
  readHeadFile,
  readManifest,
  stateBytes,
  successKey,
} from '../state/state.ts'
import type { Store } from '../store/store.ts'

/** The present state of an output. */
export interface Current {
  /** The manifest of the last commit; absent when there was none. */
  readonly manifest?: Manifest
  /** The manifest without runs that have lost parts; differs from `manifest` only where `_SUCCESS` is gone. */
  readonly standing?: Manifest
  /** Whether `_SUCCESS` holds this manifest; false when someone removed it. */
  readonly hasSuccess: boolean
  /** The highest generation that the output itself has seen, where it has a log of its own. */
  readonly generation?: number
  /** Checks the rows of a run against the output itself, where it has a log of its own. @throws OUTPUT_SCHEMA_MISMATCH */
  readonly checkFits?: (run: RunShape) => void
  /** Checks that the rows of a run can be removed, where other programs write to the output. @throws INPUT_ALREADY_APPENDED */
  readonly checkRemovable?: (runId: string) => void
}

/** Whether a claim is still valid: it was not given up, its time is not up and its owner is not known to be dead. */
export function isLive(actor: Pick<Actor, 'now' | 'isAlive'>, { owner, leaseUntil, isGivenUp }: Lease): boolean {
  return !isGivenUp && actor.now() < leaseUntil && actor.isAlive(owner) !== false
}

/** Reads the head, or creates it from `_SUCCESS` where there is none. */
export async function openHead(actor: Actor, outputPath: string): Promise<Versioned<Head>> {
  const key = headKey(outputPath)
  for (let round = 0; round < roundsMax; round++) {
    const head = await readVersioned(actor.store, key, readHeadFile)
    if (head) return head
    const value = await firstHead(actor.store, outputPath)
    const etag = await effect(actor, 'create-head', () => actor.store.create(key, stateBytes(value)))
    if (etag !== undefined) return { value, etag }
  }
  throw lockedOut(outputPath)
}

/** Changes the head that was read; undefined when another process was faster. */
export async function changeHead(
  store: Store,
  from: Versioned<Head>,
  change: Partial<Head>,
): Promise<Versioned<Head> | undefined> {
  const value = { ...from.value, ...change }
  const etag = await store.replace(headKey(value.outputPath), stateBytes(value), from.etag)
  return etag === undefined ? undefined : { value, etag }
}

export function headKey(outputPath: string): string {
  return outputKeys(outputHashOf(outputPath)).head
}

/** Reads the present state from `_SUCCESS` and the head; while a commit is under way, the state before it. */
export async function readCurrent(store: Store, head: Head): Promise<Current> {
  if (!head.committed) return { hasSuccess: false }
  const { generation, manifest: key } = head.committed
  const success = await readSuccess(store, head.outputPath)
  if (success?.generation === generation) return { manifest: success, standing: success, hasSuccess: true }
  const manifest = await readState(store, key, readManifest)
  if (!manifest) return { hasSuccess: false }
  return { manifest, standing: await withoutLostRuns(store, head.outputPath, manifest), hasSuccess: false }
}

/** Reads the manifest in `_SUCCESS`; undefined when there is none, or when another program wrote it. */
export function readSuccess(store: Store, outputPath: string): Promise<Manifest | undefined> {
  // Deliberately not an error: Spark's empty file does not say which parts count, so they are not ours.
  return readState(store, successKey(outputPath), readManifest).catch(nothingFor('STATE_INVALID'))
}

/** Creates the error for an output that another run commits to. */
export function lockedOut(outputPath: string, live?: Committing): TransientError {
  const who = live ? `run ${live.runId} (${live.owner.host}, process ${live.owner.pid ?? live.owner.id})` : 'other runs'
  return new TransientError('OUTPUT_LOCKED', `${who} is committing to ${outputPath}; try again when it is done`, {
    outputPath,
    ...(live && { runId: live.runId, attempt: live.attempt, owner: live.owner, leaseUntil: live.leaseUntil }),
  })
}

/** Leaves out runs that miss parts: whoever removed `_SUCCESS` may have removed parts with it. */
async function withoutLostRuns(store: Store, outputPath: string, manifest: Manifest): Promise<Manifest> {
  const prefix = outputPrefix(outputPath)
  const found = new Set(await Array.fromAsync(store.list(prefix), ({ key }) => key))
  const lost = new Set(manifest.parts.filter(part => !found.has(prefix + part.key)).map(part => part.runId))
  for (const file of manifest.files ?? []) if (!found.has(prefix + file.path)) lost.add(file.runId)
  return {
    ...manifest,
    runs: manifest.runs.filter(run => !lost.has(run.runId)),
    parts: manifest.parts.filter(part => !lost.has(part.runId)),
    files: manifest.files?.filter(file => !lost.has(file.runId)),
  }
}

/** Returns the head of an output that has none yet: what `_SUCCESS` holds is committed. */
export async function firstHead(store: Store, outputPath: string): Promise<Head> {
  const success = await readSuccess(store, outputPath)
  const last = success?.runs.at(-1)
  const generation = success?.generation ?? 0
  const head: Head = { fanmill: 1, outputPath, reserved: generation, claims: 0 }
  if (!success || !last) return head
  const { runId, attempt } = last
  return { ...head, committed: { generation, runId, attempt, manifest: successKey(outputPath) } }
}
