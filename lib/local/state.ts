/** What the state below an output root says of runs, and its removal. */
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PermanentError } from '../core/errors.ts'
import type { Reject } from '../core/reject.ts'
import { stateRoot } from '../core/state.ts'
import type { Store } from '../core/store.ts'
import { openReader, readRows } from '../engine/dataset.ts'
import { openStore } from '../io/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../io/own-folder.ts'
import { clean, planClean } from '../steps/clean.ts'
import { listRuns as listAll, type RunSummary, readRun } from '../steps/runs.ts'
import { isAlive } from './machine.ts'
import { type RootAccess, rootSpec, specBelow } from './roots.ts'

export type { RunSummary } from '../steps/runs.ts'

const clock = { now: () => Date.now(), isAlive }

/** Every attempt of every run below an output root, the latest start first. */
export function listRuns(output: string, access: RootAccess = {}): Promise<RunSummary[]> {
  return listAll(openStore(rootSpec(output, access)), clock)
}

/** The latest attempt of a run, named by its id or its first digits; default the latest of all. @throws RUN_UNKNOWN */
export function runStatus(output: string, run?: string, access: RootAccess = {}): Promise<RunSummary> {
  return readRun(openStore(rootSpec(output, access)), clock, run)
}

/** Rejected rows of a run's latest attempt, in order of batch; default all. @throws RUN_UNKNOWN */
export async function readRejects(
  output: string,
  run: string,
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
  /** What was in use more recently is kept. */
  readonly olderThanDays: number
  /** Tells what would go, and removes nothing. */
  readonly dryRun?: boolean
}

export interface Cleaned {
  readonly removed: readonly { readonly key: string; readonly bytes: number }[]
}

/** Removes old state that no dataset needs, of samples as well, and what interrupted runs left behind. */
export async function cleanState(output: string, options: CleanOptions): Promise<Cleaned> {
  const { olderThanDays, dryRun = false } = options
  if (!(olderThanDays >= 0))
    throw new PermanentError('USAGE', `expected an age of 0 days or more, got ${olderThanDays}`)
  const olderThanMs = olderThanDays * 86_400_000
  const root = rootSpec(output, options)
  const removed: Cleaned['removed'][number][] = []
  for (const [spec, prefix] of [[root, ''] as const, [specBelow(root, samplePath), `${samplePath}/`] as const]) {
    const store = openStore(spec)
    const plan = await planClean(store, { ...clock, olderThanMs })
    const leftovers = spec.kind === 'disk' ? await oldFolders(spec.folder, store, olderThanMs) : []
    if (!dryRun) await clean(store, plan)
    if (!dryRun && spec.kind === 'disk')
      for (const { key } of leftovers) await rm(join(spec.folder, key), { recursive: true, force: true })
    const gone = [...plan.objects, ...plan.parts].map(({ key, sizeBytes }) => ({ key, bytes: sizeBytes }))
    removed.push(...[...gone, ...leftovers].map(({ key, bytes }) => ({ key: prefix + key, bytes })))
  }
  return { removed }
}

const samplePath = `${stateRoot}sample`

/** A process that has not begun its run yet owns folders too, and nothing tells whose they are. */
const leftoverAgeMsMin = 86_400_000

/** Working folders of processes that ended without removing them, and bundles; none while a run is live. */
async function oldFolders(
  folder: string,
  store: Store,
  olderThanMs: number,
): Promise<{ key: string; bytes: number }[]> {
  const found: { key: string; bytes: number }[] = []
  if ((await listAll(store, clock)).some(run => run.status === 'running')) return found
  const before = Date.now() - Math.max(olderThanMs, leftoverAgeMsMin)
  for (const parent of ['tmp', 'bundles']) {
    const names = await readdir(join(folder, stateRoot, parent)).catch(() => [])
    for (const name of names) {
      const key = `${stateRoot}${parent}/${name}`
      const { mtimeMs, size } = await stat(join(folder, key))
      if (mtimeMs < before) found.push({ key, bytes: size })
    }
  }
  return found
}
