/**
 * Turns at one output: of executions that events start, one works, one waits, and the rest end at once.
 * Who waits lists the inputs only when its turn has come, so that it sees what those saw that ended: many uploads at once become two runs,
 * the one that was under way and one over all of them. Safety does not rest on it, but on runs and heads; it only saves work.
 */

import * as v from 'valibot'
import { lockedOut } from '../commit/head.ts'
import type { DataOf } from '../model/json-schema.ts'
import type { RunName } from '../model/run-identity.ts'
import { outputHashOf } from '../model/run-identity.ts'
import { waitSecondsMax } from '../model/waits.ts'
import { forEachParallel, readState, readVersioned, roundsMax } from '../state/files.ts'
import { outputKeys, readLease, runKeys, stateBytes } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

/** `skip`: another one waits already, for the same inputs; or it was stopped. */
export type Turn = { readonly status: 'go' | 'skip' } | { readonly status: 'wait'; readonly waitMs: number }

export interface TurnOptions {
  readonly outputPath: string
  /** The execution. */
  readonly id: string
  /** What its inputs will be listed by, as a short text: one that waits for others cannot be left theirs. */
  readonly wants: string
  readonly now: number
  /** How long a turn is held without a sign of life, until it has a run with a lease of its own. */
  readonly leaseMs: number
  /** Time for more uploads to arrive before the inputs are listed; default 0. */
  readonly settleMs?: number
  /** Whether it may be left to another that waits; default true. A run asked for by hand may not. */
  readonly maySkip?: boolean
  /** Executions known to have ended. */
  readonly ended?: readonly string[]
}

/** Asks for the turn; to be asked again after `waitMs`. The same execution may ask any number of times. */
export async function enterTurn(store: Store, options: TurnOptions): Promise<Turn> {
  const key = keyOf(options.outputPath)
  for (let round = 0; round < roundsMax; round++) {
    const file = await readVersioned(store, key, readTurnFile)
    const { turn, next } = await decide(store, file?.value ?? {}, options)
    if (next === undefined) return turn
    const bytes = stateBytes(next)
    const etag = file ? await store.replace(key, bytes, file.etag) : await store.create(key, bytes)
    if (etag !== undefined) return turn
  }
  throw lockedOut(options.outputPath)
}

/** From here on the turn lasts as long as the lease of the run. */
export async function bindTurn(store: Store, { outputPath, id }: TurnName, run: RunName): Promise<void> {
  await change(store, keyOf(outputPath), file => {
    const { working } = file
    return working?.id === id ? { ...file, working: { ...working, run } } : undefined
  })
}

/** Gives the turn, or the place of who waits, to the next; nothing happens when another has it. */
export async function leaveTurn(store: Store, { outputPath, id }: TurnName): Promise<void> {
  await change(store, keyOf(outputPath), file => {
    if (file.working?.id !== id && file.waiting?.id !== id) return undefined
    const { working, waiting, stopped } = file
    return {
      ...(working && working.id !== id && { working }),
      ...(waiting && waiting.id !== id && { waiting }),
      ...(stopped && { stopped }),
    }
  })
}

/**
 * Gives up, at every output, where an execution that was stopped waits, or works on a run. Its Plan may still be under way: it gets
 * no turn there again. Where it was planning its turn stays until its lease lapses, for that Plan may yet begin a run.
 */
export async function leaveStopped(store: Store, id: string): Promise<void> {
  const keys: string[] = []
  for await (const { key } of store.list(`${stateRoot}turns/`)) keys.push(key)
  await forEachParallel(keys, key =>
    change(store, key, ({ working, waiting, stopped = [] }) => {
      const isWaiting = waiting?.id === id
      const isWorking = working?.id === id && working.run !== undefined
      if (!isWaiting && !isWorking) return undefined
      return {
        ...(working && !isWorking && { working }),
        ...(waiting && !isWaiting && { waiting }),
        stopped: [id, ...stopped].slice(0, stoppedMax),
      }
    }),
  )
}

/** Each is of interest as long as a function lives. */
const stoppedMax = 20

export interface TurnName {
  readonly outputPath: string
  readonly id: string
}

const holderSchema = v.object({
  id: v.string(),
  since: v.number(),
  leaseUntil: v.number(),
  wants: v.optional(v.string()),
  run: v.optional(v.object({ runId: v.string(), attempt: v.number() })),
})
type Holder = DataOf<typeof holderSchema>

const turnSchema = v.object({
  working: v.optional(holderSchema),
  waiting: v.optional(holderSchema),
  /** Executions, the latest first. */
  stopped: v.optional(v.array(v.string())),
})
type TurnFile = DataOf<typeof turnSchema>

/** What a file becomes; no `next` where it stays. */
async function decide(
  store: Store,
  file: TurnFile,
  options: TurnOptions,
): Promise<{ readonly turn: Turn; readonly next?: TurnFile }> {
  const { id, wants, now, leaseMs, settleMs = 0, maySkip = true } = options
  const { working, waiting, stopped } = file
  if (stopped?.includes(id)) return { turn: { status: 'skip' } }
  const kept = stopped && { stopped }
  const isBusy = working !== undefined && working.id !== id && (await isLive(store, working, options))
  if (isBusy) {
    const isPlaceTaken = waiting !== undefined && waiting.id !== id && (await isLive(store, waiting, options))
    if (isPlaceTaken) {
      if (maySkip && waiting.wants === wants) return { turn: { status: 'skip' } }
      return { turn: { status: 'wait', waitMs: between(queuedMs, (now - working.since) / 2) } }
    }
    const since = waiting?.id === id ? waiting.since : now
    const waitMs = between(waitMsMin, (now - since) / 4)
    const turn = { status: 'wait', waitMs } as const
    if (waiting?.id === id && now + 2 * waitMs + lateMs / 2 <= waiting.leaseUntil) return { turn }
    const leaseUntil = now + Math.min(leaseMs, 3 * waitMs + lateMs)
    return { turn, next: { working, waiting: { id, since, leaseUntil, wants }, ...kept } }
  }
  const since = working?.id === id ? working.since : now
  const waitMs = since + settleMs - now
  const turn: Turn = waitMs > 0 ? { status: 'wait', waitMs } : { status: 'go' }
  const isFresh = working?.id === id && now < working.leaseUntil - leaseMs / 2
  if (isFresh) return { turn }
  const mine: Holder = { id, since, leaseUntil: now + leaseMs, ...(working?.id === id && { run: working.run }) }
  return { turn, next: { working: mine, ...(waiting && waiting.id !== id && { waiting }), ...kept } }
}

const waitMsMin = 1000
/** Of an execution that has no place yet, because another one waits before it: it asks more rarely, the longer the work takes. */
const queuedMs = 15_000

/** A wait that grows with what was waited for already. */
const between = (minMs: number, ms: number): number => Math.min(waitSecondsMax * 1000, Math.max(minMs, ms))

/** How much later than announced a waiting execution may ask again: its function may be throttled. */
const lateMs = 60_000

async function isLive(
  store: Store,
  { id, leaseUntil, run }: Holder,
  { now, ended = [] }: TurnOptions,
): Promise<boolean> {
  if (ended.includes(id)) return false
  if (now < leaseUntil) return true
  if (!run) return false
  const lease = await readState(store, runKeys(run.runId, run.attempt).lease, readLease)
  return lease !== undefined && lease.owner.id === id && now < lease.leaseUntil
}

async function change(store: Store, key: string, next: (file: TurnFile) => TurnFile | undefined): Promise<void> {
  for (let round = 0; round < roundsMax; round++) {
    const file = await readVersioned(store, key, readTurnFile)
    const changed = file && next(file.value)
    if (!file || !changed) return
    if ((await store.replace(key, stateBytes(changed), file.etag)) !== undefined) return
  }
}

const keyOf = (outputPath: string): string => outputKeys(outputHashOf(outputPath)).turn

/** One that cannot be read is begun anew: it only saves work. */
function readTurnFile(bytes: Uint8Array): TurnFile {
  try {
    return v.parse(turnSchema, JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return {}
  }
}
