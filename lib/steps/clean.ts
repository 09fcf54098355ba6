/** Clean: removes the state that no dataset needs any more, and what interrupted runs left behind. */
import { readHeadFile, readRunRecord, runKeys, stateRoot } from '../core/state.ts'
import type { PendingPart, Store, StoredObject } from '../core/store.ts'
import { isLive, readCurrent } from './head.ts'
import { attemptOf, holderOf } from './runs.ts'
import { type Actor, forEachParallel, readState } from './state-files.ts'

export interface CleanOptions extends Pick<Actor, 'now' | 'isAlive'> {
  /** What was in use more recently than this is kept. */
  readonly olderThanMs: number
}

/** What would go. */
export interface CleanPlan {
  readonly objects: readonly StoredObject[]
  readonly parts: readonly PendingPart[]
}

/**
 * Keeps every head, the state of each attempt that a manifest names, that a commit is under way for, that lives, or that is young.
 * Visible parts are never touched.
 */
export async function planClean(store: Store, options: CleanOptions): Promise<CleanPlan> {
  const needed = await neededAttempts(store)
  const objects = await objectsByAttempt(store)
  const kept = new Set(needed)
  await forEachParallel([...objects.keys()], async name => {
    if (!needed.has(name) && (await isInUse(store, name, options))) kept.add(name)
  })
  const parts: PendingPart[] = []
  for await (const { stagedAtMs, ...part } of store.listParts('')) {
    if (stagedAtMs <= options.now() - options.olderThanMs && !kept.has(attemptOfPart(part.key))) parts.push(part)
  }
  return { objects: [...objects].flatMap(([name, all]) => (kept.has(name) ? [] : all)), parts }
}

/** Removes what was planned; may be called again. */
export async function clean(store: Store, plan: CleanPlan): Promise<void> {
  await forEachParallel(plan.parts, part => store.abortPart(part))
  await forEachParallel(plan.objects, ({ key }) => store.remove(key))
}

/** Attempts as `runId/attempt`. */
async function neededAttempts(store: Store): Promise<Set<string>> {
  const needed = new Set<string>()
  for await (const { key } of store.list(`${stateRoot}outputs/`)) {
    const head = await readState(store, key, readHeadFile)
    if (!head) continue
    const { manifest } = await readCurrent(store, head)
    const runs = [...(manifest?.runs ?? []), ...[head.committed, head.committing].filter(one => one !== undefined)]
    for (const { runId, attempt } of runs) needed.add(`${runId}/${attempt}`)
  }
  return needed
}

async function objectsByAttempt(store: Store): Promise<Map<string, StoredObject[]>> {
  const objects = new Map<string, StoredObject[]>()
  for await (const object of store.list(`${stateRoot}runs/`)) {
    const name = attemptOf(object.key)
    if (!name) continue
    const text = `${name.runId}/${name.attempt}`
    const all = objects.get(text)
    if (all) all.push(object)
    else objects.set(text, [object])
  }
  return objects
}

/** Without run.json nothing can be gone on with: an earlier clean was cut short. */
async function isInUse(store: Store, name: string, { now, isAlive, olderThanMs }: CleanOptions): Promise<boolean> {
  const [runId = '', attempt = ''] = name.split('/')
  const record = await readState(store, runKeys(runId, Number(attempt)).run, readRunRecord)
  if (!record) return false
  const holder = await holderOf(store, record)
  const lastUseMs = Math.max(Date.parse(record.startedAt), Math.min(holder.leaseUntil, now()))
  return isLive({ now, isAlive }, holder) || lastUseMs > now() - olderThanMs
}

function attemptOfPart(key: string): string {
  const [, runId, attempt] = /-([0-9a-f]{16})-(\d+)\.parquet$/.exec(key) ?? []
  return `${runId}/${attempt}`
}
