/** Rebuilds a damaged head of an output from the other files of the state. */

import { headKey, lockedOut, readCurrent, readSuccess } from '../commit/head.ts'
import { PermanentError } from '../errors/errors.ts'
import { greatest } from '../model/greatest.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { RunName } from '../model/run/identity.ts'
import { type DamagedFile, damagedFile, isDamaged, orDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, mapParallel, readState, readsAtOnce } from '../state/files.ts'
import {
  type Committing,
  type Head,
  type Journal,
  type RunRecord,
  readHeadFile,
  readJournal,
  readManifest,
  readRunRecord,
  runKeys,
  stateBytes,
  successKey,
} from '../state/state.ts'
import { attemptsIn } from './runs.ts'

/**
 * Leaves a head alone that can be read. The last commit is known by the manifests of the runs; a commit that began after it is known by
 * its journal, which the next step completes. Lists all runs.
 * @throws STATE_INVALID for the head of another version of fanmill; OUTPUT_LOCKED when another process was faster
 */
export async function rebuildDamagedHead(actor: Actor, outputPath: string): Promise<void> {
  const { store } = actor
  const key = headKey(outputPath)
  const found = await store.stat(key)
  const before = found && (await headAt(actor, key))
  if (!found || (before && (await isUsable(actor, before)))) return
  const rebuilt = await headOf(actor, outputPath)
  const next = {
    ...rebuilt,
    reserved: Math.max(rebuilt.reserved, before?.reserved ?? 0),
    claims: rebuilt.committing ? rebuilt.claims : Math.max(rebuilt.claims, before?.claims ?? 0),
  }
  if ((await store.replace(key, stateBytes(next), found.etag)) === undefined) throw lockedOut(outputPath)
}

/** Whether the manifest that the head names can be read; a commit under way is settled elsewhere. */
async function isUsable({ store }: Actor, head: Head): Promise<boolean> {
  return head.committing !== undefined || !isDamaged(await orDamaged(() => readCurrent(store, head)))
}

/** Reads a head; undefined for a damaged one. */
async function headAt({ store }: Actor, key: string): Promise<Head | undefined> {
  try {
    return await readState(store, key, readHeadFile)
  } catch (error) {
    if (!damagedFile(error)) throw error
    if (!isOtherVersion(await store.read(key))) return undefined
    const message = `${key}: it was written by another version of fanmill; use that version, or another output`
    throw new PermanentError('STATE_INVALID', message, { key }, { cause: error })
  }
}

function isOtherVersion(bytes: Uint8Array): boolean {
  try {
    const { fanmill } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly fanmill?: unknown }
    return typeof fanmill === 'number' && fanmill !== 1
  } catch {
    return false
  }
}

/** The files of one attempt that describe the output. */
interface Trace {
  readonly record: RunRecord
  readonly manifest: Manifest | undefined
  readonly journal: Journal | undefined
}

async function headOf(actor: Actor, outputPath: string): Promise<Head> {
  const traces = await tracesOf(actor, outputPath)
  const success = await readSuccess(actor.store, outputPath)
  const last = success?.runs.at(-1)
  const manifests = [
    ...(success && last ? [{ manifest: success, name: last, key: successKey(outputPath) }] : []),
    ...traces.flatMap(({ manifest, record }) =>
      manifest ? [{ manifest, name: record, key: runKeys(record).manifest }] : [],
    ),
  ]
  const latest = manifests.reduce<(typeof manifests)[number] | undefined>(
    (a, b) => (a && a.manifest.generation > b.manifest.generation ? a : b),
    undefined,
  )
  const generation = latest?.manifest.generation ?? 0
  const journals = traces.flatMap(({ journal, record }) => (journal ? [{ journal, record }] : []))
  const begun = journals
    .filter(({ journal }) => journal.next.generation > generation)
    .sort((a, b) => b.journal.claim - a.journal.claim)[0]
  const claims = greatest(journals, ({ journal }) => journal.claim)
  return {
    fanmill: 1,
    outputPath,
    reserved: greatest(traces, ({ record }) => record.generation, generation),
    claims: begun ? begun.journal.claim : claims + 1,
    committed: latest && {
      generation,
      runId: latest.name.runId,
      attempt: latest.name.attempt,
      manifest: latest.key,
    },
    committing: begun && claimOf(begun.journal, begun.record),
  }
}

/** Returns a claim whose owner counts as dead. */
function claimOf({ claim, next, runId, attempt }: Journal, { owner }: RunRecord): Committing {
  return { generation: next.generation, runId, attempt, claim, owner, leaseUntil: 0 }
}

async function tracesOf({ store }: Actor, outputPath: string): Promise<Trace[]> {
  const intact = <T>(value: T | DamagedFile | undefined): T | undefined => (isDamaged(value) ? undefined : value)
  const trace = async (name: RunName): Promise<Trace | undefined> => {
    const files = runKeys(name)
    const record = intact(await readUndamaged(store, files.run, readRunRecord))
    if (record?.outputPath !== outputPath) return undefined
    return {
      record,
      manifest: intact(await readUndamaged(store, files.manifest, readManifest)),
      journal: intact(await readUndamaged(store, files.journal, readJournal)),
    }
  }
  return (await mapParallel(await attemptsIn(store), trace, readsAtOnce)).filter(one => one !== undefined)
}
