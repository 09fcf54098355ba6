/** What the state below an output root says of runs, and its removal. */
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openReader, readRows } from '../engine/dataset.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Reject } from '../model/reject.ts'
import { clean, planClean } from '../runs/clean.ts'
import { isAnyLive, listRuns as listAll, type RunSummary, readRun } from '../runs/runs.ts'
import { openStore } from '../store/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { type RootAccess, rootSpec, specBelow } from '../store/roots.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from '../threads/machine.ts'
import { leftovers } from './leftovers.ts'

export type { RunSummary } from '../runs/runs.ts'

const clock = { now: () => Date.now(), isAlive }

/** Every attempt of every run below an output root, the latest start first; or only the `limit` latest, which reads much less. */
export function listRuns(output: string, access: RootAccess = {}, limit?: number): Promise<RunSummary[]> {
  return listAll(openStore(rootSpec(output, access)), clock, limit)
}

/** The latest attempt of a run, named by its id or its first digits; default the latest of all. @throws RUN_UNKNOWN */
export function runStatus(output: string, run?: string, access: RootAccess = {}): Promise<RunSummary> {
  return readRun(openStore(rootSpec(output, access)), clock, run)
}

/** Rejected rows of a run's latest attempt, in order of batch; default all rows, of the latest run. @throws RUN_UNKNOWN */
export async function readRejects(
  output: string,
  run?: string,
  limit = Number.MAX_SAFE_INTEGER,
  access: RootAccess = {},
): Promise<Reject[]> {
  const store = openStore(rootSpec(output, access))
  const { rejects } = await readRun(store, clock, run)
  return rejectsIn(store, rejects, limit)
}

/** Rejected rows kept under these keys. Memory: one of them, and what is asked for. */
export async function rejectsIn(
  store: Store,
  keys: readonly string[],
  limit = Number.MAX_SAFE_INTEGER,
): Promise<Reject[]> {
  if (keys.length === 0) return []
  const scratch = makeOwnFolder(tmpdir())
  const engine = await openReader([scratch], scratch)
  const found: Reject[] = []
  try {
    const connection = await engine.connect()
    const file = join(scratch, 'rejects.parquet')
    for (const key of keys) {
      await writeFile(file, await store.read(key))
      for await (const row of readRows(connection, { file }, { schema: rejectSchema })) {
        if (found.length >= limit) return found
        found.push({ ...row, line: Number(row.line), record: Number(row.record) } as unknown as Reject)
      }
    }
    return found
  } finally {
    engine.close()
    removeOwnFolder(scratch)
  }
}

const rejectSchema = ['archive', 'member', 'line', 'record', 'column', 'expected', 'received', 'text'].map(name => ({
  name,
  type: name === 'line' || name === 'record' ? 'BIGINT' : 'VARCHAR',
}))

export interface CleanOptions extends RootAccess {
  /**
   * What was in use more recently is kept. Default 7, and what runs left behind that failed or were interrupted goes at any age: their
   * uncommitted parts and their working files.
   */
  readonly olderThanDays?: number
  /** Tells what would go, and removes nothing. */
  readonly dryRun?: boolean
}

export interface Cleaned {
  /** Files as they are named below the output root; in S3 an upload that was not completed has the key that it was for. */
  readonly removed: readonly { readonly key: string; readonly bytes: number }[]
  /** State files that cannot be read, and why; the state that they belong to is kept. */
  readonly damaged: readonly { readonly key: string; readonly message: string }[]
}

const defaultAgeDays = 7

/** Removes old state that no dataset needs, of samples as well, and what runs left behind that did not complete. */
export async function cleanState(output: string, options: CleanOptions = {}): Promise<Cleaned> {
  const { olderThanDays = defaultAgeDays, dryRun = false } = options
  if (!(olderThanDays >= 0))
    throw new PermanentError('USAGE', `expected an age of 0 days or more, got ${olderThanDays}`)
  const olderThanMs = olderThanDays * dayMs
  const ages = { olderThanMs, ...(options.olderThanDays === undefined && { endedOlderThanMs: 0 }) }
  const root = rootSpec(output, options)
  const removed: Cleaned['removed'][number][] = []
  const damaged: Cleaned['damaged'][number][] = []
  for (const [spec, prefix] of [[root, ''] as const, [specBelow(root, samplePath), `${samplePath}/`] as const]) {
    const store = openStore(spec)
    const plan = await planClean(store, { ...clock, ...ages })
    const left =
      spec.kind === 'disk' ? await leftovers(spec.folder, { isAnyLive: () => isAnyLive(store, clock), ...ages }) : []
    if (!dryRun) {
      await clean(store, plan)
      for (const { path } of left) await rm(path, { recursive: true, force: true })
    }
    const files = [
      ...plan.objects.map(({ key, sizeBytes }) => ({ key, bytes: sizeBytes })),
      ...plan.parts.map(({ key, file = key, sizeBytes }) => ({ key: file, bytes: sizeBytes })),
      ...left.flatMap(each => each.files),
    ]
    removed.push(...files.map(({ key, bytes }) => ({ key: prefix + key, bytes })))
    damaged.push(...plan.damaged.map(({ key, message }) => ({ key: prefix + key, message })))
  }
  return { removed, damaged }
}

const dayMs = 86_400_000
const samplePath = `${stateRoot}sample`
