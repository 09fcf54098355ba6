/** Clean: removes the state that no dataset needs any more, and what runs left behind that failed or were interrupted. */

import { isLive } from '../commit/head.ts'
import { outputHashOf } from '../model/run-identity.ts'
import { type DamagedFile, isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, forEachParallel, readsAtOnce } from '../state/files.ts'
import { type Lease, type RunRecord, readLease, readRunRecord, runKeys } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { ListedPart, Store, StoredObject } from '../store/store.ts'
import { type NeededAttempts, neededAttempts } from './needed-attempts.ts'
import { attemptsIn } from './runs.ts'

export interface CleanOptions extends Pick<Actor, 'now' | 'isAlive'> {
  /** What was in use more recently than this is kept. */
  readonly olderThanMs: number
  /** Age of pending parts of runs that have ended without a commit; default `olderThanMs`. */
  readonly endedOlderThanMs?: number
}

/** What would be removed, and what cannot be judged. */
export interface CleanPlan {
  readonly objects: readonly StoredObject[]
  readonly parts: readonly ListedPart[]
  /** State files that are not what their program writes; the state that depends on them is kept. */
  readonly damaged: readonly DamagedFile[]
}

/**
 * Keeps every head, and the state of each attempt that a manifest names, that a commit is under way for, that lives, or that is young.
 * Visible parts are never touched.
 */
export async function planClean(store: Store, options: CleanOptions): Promise<CleanPlan> {
  const needed = await neededAttempts(store)
  const names = (await attemptsIn(store)).map(({ runId, attempt }) => `${runId}/${attempt}`)
  const listed: ListedPart[] = []
  for await (const part of store.listParts('')) listed.push(part)
  const attempts = new Map<string, AttemptUse>()
  const damaged = [...needed.damaged]
  const judge = async (name: string) => {
    const use = needed.attempts.has(name) ? kept : await useOf(store, name, needed, options)
    attempts.set(name, use)
    if (use.damaged) damaged.push(use.damaged)
  }
  await forEachParallel([...new Set([...names, ...listed.map(attemptOfPart)])], judge, readsAtOnce)
  const unneeded = names.filter(name => !attempts.get(name)?.isKept)
  const isOld = (part: ListedPart): boolean => {
    const { isKept = false, hasEnded = false } = attempts.get(attemptOfPart(part)) ?? {}
    const { olderThanMs, endedOlderThanMs = olderThanMs } = options
    if (hasEnded) return part.stagedAtMs <= options.now() - endedOlderThanMs
    return !isKept && part.stagedAtMs <= options.now() - olderThanMs
  }
  return {
    objects: await objectsOf(store, unneeded, names.length),
    parts: listed.filter(isOld),
    damaged: damaged.sort((a, b) => (a.key < b.key ? -1 : 1)),
  }
}

/** Removes what was planned; may be called again. */
export async function clean(store: Store, plan: Pick<CleanPlan, 'objects' | 'parts'>): Promise<void> {
  await forEachParallel(plan.parts, part => store.abortPart(part), readsAtOnce)
  await forEachParallel(plan.objects, ({ key }) => store.remove(key), readsAtOnce)
}

/** Whether the state of an attempt is kept, and whether it has ended for certain, so that its pending parts are left over. */
interface AttemptUse {
  readonly isKept: boolean
  readonly hasEnded?: boolean
  readonly damaged?: DamagedFile
}

const kept: AttemptUse = { isKept: true }

/** The state files of some attempts: where most go, by one listing of all, which costs fewer requests. */
async function objectsOf(store: Store, attempts: readonly string[], attemptCount: number): Promise<StoredObject[]> {
  if (attempts.length > attemptCount / 2) {
    const wanted = new Set(attempts)
    const all = await Array.fromAsync(store.list(`${stateRoot}runs/`))
    return all.filter(({ key }) => wanted.has(key.split('/').slice(2, 4).join('/')))
  }
  const objects: StoredObject[][] = []
  const list = async (name: string, index: number) => {
    objects[index] = await Array.fromAsync(store.list(`${stateRoot}runs/${name}/`))
  }
  await forEachParallel(attempts, list, readsAtOnce)
  return objects.flat()
}

/** Without run.json nothing can be continued: an earlier clean was cut short. */
async function useOf(
  store: Store,
  name: string,
  { damagedOutputs }: NeededAttempts,
  options: CleanOptions,
): Promise<AttemptUse> {
  const [runId = '', attempt = ''] = name.split('/')
  const keys = runKeys(runId, Number(attempt))
  const record = await readUndamaged(store, keys.run, readRunRecord)
  const lease = await readUndamaged(store, keys.lease, readLease)
  if (isDamaged(lease)) return { isKept: true, damaged: lease }
  if (isDamaged(record)) return lease ? useBy(lease, options) : { isKept: true, damaged: record }
  if (!record) return { isKept: false }
  if (damagedOutputs.has(outputHashOf(record.outputPath))) return kept
  return useBy(lease ?? record, options, record)
}

function useBy(holder: Lease, { now, isAlive, olderThanMs }: CleanOptions, record?: RunRecord): AttemptUse {
  const startedMs = record ? Date.parse(record.startedAt) : 0
  const lastUseMs = Math.max(startedMs, Math.min(holder.leaseUntil, now()))
  const hasEnded = holder.isGivenUp === true || isAlive(holder.owner) === false
  return { isKept: isLive({ now, isAlive }, holder) || lastUseMs > now() - olderThanMs, hasEnded }
}

/** On disk the folder names its attempt; on S3 the upload's key does, except for extracted members, which age alone decides. */
function attemptOfPart({ key, file, uploadId }: ListedPart): string {
  if (file !== undefined && uploadId !== undefined) return uploadId.split('/').slice(0, 2).join('/')
  const [, runId, attempt] = /-([0-9a-f]{16})-(\d+)\.parquet$/.exec(key) ?? []
  return `${runId}/${attempt}`
}
