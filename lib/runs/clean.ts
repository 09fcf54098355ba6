/** Clean: removes state that no dataset needs any more, and pending parts of failed or interrupted runs. */
import { runOfPart } from '../model/outcome/part-name.ts'
import { attemptText, outputHashOf, type RunName } from '../model/run/identity.ts'
import { type DamagedFile, isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, mapParallel, readsAtOnce } from '../state/files.ts'
import { type Lease, type RunRecord, readLease, readRunRecord, runKeys } from '../state/state.ts'
import { exchangeRoot, stateRoot } from '../store/state-root.ts'
import type { ListedPart, Store, StoredObject } from '../store/store.ts'
import { type NeededAttempts, neededAttempts } from './needed-attempts.ts'
import { findOldShipments } from './old-shipments.ts'
import { attemptOf, attemptsIn } from './runs.ts'

export interface CleanOptions extends Pick<Actor, 'now' | 'isAlive'> {
  /** State that was used more recently than this is kept. */
  readonly olderThanMs: number
  /** Age of pending parts of runs that have ended without a commit; default `olderThanMs`. */
  readonly endedOlderThanMs?: number
}

/** State and pending parts to remove, and damaged files that prevent a decision. */
export interface CleanPlan {
  readonly objects: readonly StoredObject[]
  readonly parts: readonly ListedPart[]
  /** Damaged state files; the state that depends on them is kept. */
  readonly damaged: readonly DamagedFile[]
  /** Owner and end of the lease of each attempt that is not kept, as they were found. */
  readonly holders?: ReadonlyMap<string, string | undefined> | undefined
}

/**
 * Keeps every head, and the state of each attempt that a manifest names, that is being committed, that a live process owns, or that is
 * young. Visible parts are never touched.
 */
export async function planClean(store: Store, options: CleanOptions): Promise<CleanPlan> {
  // Listed before the attempts, so that the attempt of each is known: one that begins now must not lose its rows.
  const exchanges = await Array.fromAsync(store.listFolders(exchangeRoot, { depth: 2 }))
  const needed = await neededAttempts(store)
  const names = await attemptsIn(store)
  const listed = await Array.fromAsync(store.listParts(''))
  const uses = new Map<string, AttemptUse>()
  const damaged = [...needed.damaged]
  const judge = async ([text, name]: [string, RunName]) => {
    const use = needed.attempts.has(text) ? kept : await useOf(store, name, needed, options)
    uses.set(text, use)
    if (use.damaged) damaged.push(use.damaged)
  }
  const all = [...names, ...listed.flatMap(part => attemptOfPart(part) ?? [])]
  await mapParallel([...new Map(all.map(name => [attemptText(name), name]))], judge, readsAtOnce)
  // Read again after the leases: a process that had ended by then may have begun a commit after the first reading.
  for (const text of (await neededAttempts(store)).attempts) uses.set(text, kept)
  const unneeded = names.filter(name => !uses.get(attemptText(name))?.isKept)
  const isOld = (part: ListedPart): boolean => {
    const name = attemptOfPart(part)
    const { isKept = false, hasEnded = false } = (name && uses.get(attemptText(name))) ?? {}
    const { olderThanMs, endedOlderThanMs = olderThanMs } = options
    if (hasEnded) return part.stagedAtMs <= options.now() - endedOlderThanMs
    return !isKept && part.stagedAtMs <= options.now() - olderThanMs
  }
  return {
    objects: [
      ...(await objectsOf(store, unneeded, names.length)),
      ...(await exchangedOf(store, exchanges, name => uses.get(attemptText(name)))),
      ...(await findOldShipments(store, { ...options, needed: shippedIn(uses.values()) })),
    ],
    parts: listed.filter(isOld),
    damaged: damaged.sort((a, b) => (a.key < b.key ? -1 : 1)),
    holders: holdersOf(uses),
  }
}

function holdersOf(uses: ReadonlyMap<string, AttemptUse>): CleanPlan['holders'] {
  const ended = [...uses].filter(([, { isKept, hasEnded }]) => !isKept || hasEnded)
  return ended.length > 0 ? new Map(ended.map(([text, { holder }]) => [text, holder])) : undefined
}

/** Returns the hashes of shipped code by which kept attempts can be continued. */
function shippedIn(uses: Iterable<AttemptUse>): ReadonlySet<string> {
  return new Set(Array.from(uses).flatMap(({ isKept, shipped }) => (isKept && shipped !== undefined ? shipped : [])))
}

/** Removes the planned state and parts, except of attempts that a process has taken over since; may be called again. */
export async function clean(
  store: Store,
  { parts, objects, holders = new Map() }: Pick<CleanPlan, 'objects' | 'parts' | 'holders'>,
): Promise<void> {
  const looked = new Map<string, Promise<boolean>>()
  const isAsPlanned = (name: RunName | undefined): boolean | Promise<boolean> => {
    const text = name && attemptText(name)
    if (!name || !text || !holders.has(text)) return true
    const found = looked.get(text) ?? holderOf(store, name).then(holder => holder === holders.get(text))
    looked.set(text, found)
    return found
  }
  const abort = async (part: ListedPart) => (await isAsPlanned(attemptOfPart(part))) && store.abortPart(part)
  const remove = async ({ key }: StoredObject) =>
    (await isAsPlanned(attemptOf(key) ?? exchangerOf(key))) && store.remove(key)
  await mapParallel(parts, abort, readsAtOnce)
  await mapParallel(objects, remove, readsAtOnce)
}

async function holderOf(store: Store, name: RunName): Promise<string | undefined> {
  const lease = await readUndamaged(store, runKeys(name).lease, readLease)
  return isDamaged(lease) ? undefined : holderIn(lease)
}

const holderIn = (lease: Lease | undefined): string | undefined => lease && `${lease.owner.id} ${lease.leaseUntil}`

/** Returns the attempt whose stages exchange the rows of a key. */
function exchangerOf(key: string): RunName | undefined {
  const [runId, attempt] = key.startsWith(exchangeRoot) ? key.slice(exchangeRoot.length).split('/') : []
  return runId === undefined ? undefined : { runId, attempt: Number(attempt) }
}

/** Whether the state of an attempt is kept, and whether it has ended for certain, so that its pending parts can be removed. */
interface AttemptUse {
  readonly isKept: boolean
  readonly hasEnded?: boolean
  readonly damaged?: DamagedFile
  /** Hash of the shipped code that planned it, and that continues it. */
  readonly shipped?: string | undefined
  /** Owner and end of its lease. */
  readonly holder?: string | undefined
}

const kept: AttemptUse = { isKept: true }

/** Lists the state files of some attempts: by one listing of all attempts where most are wanted, which needs fewer requests. */
async function objectsOf(store: Store, attempts: readonly RunName[], attemptCount: number): Promise<StoredObject[]> {
  if (attempts.length > attemptCount / 2) {
    const wanted = new Set(attempts.map(attemptText))
    const all = await Array.fromAsync(store.list(`${stateRoot}runs/`))
    const isWanted = (name: RunName | undefined): boolean => name !== undefined && wanted.has(attemptText(name))
    return all.filter(({ key }) => isWanted(attemptOf(key)))
  }
  const list = (name: RunName) => Array.fromAsync(store.list(runKeys(name).folder))
  return (await mapParallel(attempts, list, readsAtOnce)).flat()
}

/** Lists the rows that stages of unneeded attempts exchanged, and those that a commit left when it ended before it removed them. */
async function exchangedOf(
  store: Store,
  folders: readonly string[],
  useOfAttempt: (name: RunName) => AttemptUse | undefined,
): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for (const folder of folders) {
    const name = exchangerOf(folder)
    const isNeeded = name && useOfAttempt(name)?.isKept && !(await store.stat(runKeys(name).manifest))
    if (!isNeeded) for await (const object of store.list(folder)) objects.push(object)
  }
  return objects
}

/** Judges one attempt. Without run.json it cannot be resumed: an earlier clean was interrupted. */
async function useOf(
  store: Store,
  name: RunName,
  { damagedOutputs }: NeededAttempts,
  options: CleanOptions,
): Promise<AttemptUse> {
  const keys = runKeys(name)
  const record = await readUndamaged(store, keys.run, readRunRecord)
  const lease = await readUndamaged(store, keys.lease, readLease)
  const shipped = isDamaged(record) ? undefined : record?.shipped
  if (isDamaged(lease)) return { isKept: true, damaged: lease, shipped }
  if (isDamaged(record)) return lease ? useBy(lease, options) : { isKept: true, damaged: record }
  if (!record) return { isKept: false }
  if (damagedOutputs.has(outputHashOf(record.outputPath))) return { ...kept, shipped }
  return { ...useBy(lease ?? record, options, record), holder: holderIn(lease) }
}

function useBy(holder: Lease, { now, isAlive, olderThanMs }: CleanOptions, record?: RunRecord): AttemptUse {
  const startedMs = record ? Date.parse(record.startedAt) : 0
  const lastUseMs = Math.max(startedMs, Math.min(holder.leaseUntil, now()))
  const alive = holder.isGivenUp ? false : isAlive(holder.owner)
  const hasEnded = alive === false
  // A living owner keeps its run whatever the clock says: it may have been set since the last renewal.
  const isKept = (alive ?? now() < holder.leaseUntil) || lastUseMs > now() - olderThanMs
  return { isKept, hasEnded, shipped: record?.shipped }
}

/** Finds the attempt of a pending part: by its folder on disk, by its key on S3. Extracted members on S3 have none, so that only their age counts. */
function attemptOfPart({ key, file, uploadId }: ListedPart): RunName | undefined {
  if (file === undefined || uploadId === undefined) return runOfPart(key)
  const [runId = '', attempt] = uploadId.split('/')
  return { runId, attempt: Number(attempt) }
}
