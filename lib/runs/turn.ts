/**
 * Gives executions turns at one output: of those that events start, one works, one waits, and the others end at once.
 * The one that waits lists the inputs only when its turn has come, so that it sees the inputs of those that ended: many uploads at once
 * become two runs, the one that was under way and one over all of them. Turns only save work; safety rests on runs and heads.
 */
import * as v from 'valibot'
import { lockedOut } from '../commit/head.ts'
import type { DataOf } from '../model/json-schema.ts'
import { outputHashOf, type RunName } from '../model/run/identity.ts'
import { executionIn } from '../model/run/owner.ts'
import { waitSecondsMax } from '../model/waits.ts'
import { changeState, mapParallel, readState } from '../state/files.ts'
import { outputKeys, readLease, runKeys } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

/** `skip`: another execution waits already for the same inputs, or this one was stopped. */
export type Turn = { readonly status: 'go' | 'skip' } | { readonly status: 'wait'; readonly waitMs: number }

export interface TurnOptions {
  readonly outputPath: string
  /** Id of the execution, or of a node of its graph. */
  readonly id: string
  /** Short text of the task and parameters by which inputs are listed: only an execution with the same text sees the same inputs. */
  readonly wants: string
  readonly now: number
  /** How long a turn is held without renewal, until its run has a lease of its own. */
  readonly leaseMs: number
  /** Time for more uploads to arrive before the inputs are listed; default 0. */
  readonly settleMs?: number
  /** Whether it may end because another one waits; default true. A run that was started by hand may not. */
  readonly maySkip?: boolean
  /** Executions known to have ended. */
  readonly ended?: readonly string[]
}

/** Requests the turn; the caller repeats the request after `waitMs`. The same execution may do so any number of times. */
export async function enterTurn(store: Store, options: TurnOptions): Promise<Turn> {
  let turn: Turn | undefined
  const isChanged = await changeState(store, keyOf(options.outputPath), readTurnFile, async (file = {}) => {
    const decision = await decide(store, file, options)
    turn = decision.turn
    return decision.next
  })
  if (!turn || isChanged === undefined) throw lockedOut(options.outputPath)
  return turn
}

/** Binds the turn to a run: from here on it lasts as long as the lease of the run. */
export async function bindTurn(store: Store, { outputPath, id }: TurnName, run: RunName): Promise<void> {
  await change(store, keyOf(outputPath), file => {
    const { working } = file
    return working?.id === id ? { ...file, working: { ...working, run } } : undefined
  })
}

/** Gives up the turn, or the place of the waiting execution; does nothing when another execution has it. */
export async function leaveTurn(store: Store, { outputPath, id }: TurnName): Promise<void> {
  await change(store, keyOf(outputPath), file => {
    if (file.working?.id !== id && file.waiting?.id !== id) return undefined
    const { working, waiting, stopped } = file
    return {
      working: working?.id === id ? undefined : working,
      waiting: waiting?.id === id ? undefined : waiting,
      stopped,
    }
  })
}

/**
 * Gives up the turns and places of a stopped execution at every output. Its Plan may still be under way, so it gets no turn there again.
 * Its turn stays where it was planning until the lease lapses, because that Plan may still begin a run.
 */
export async function leaveStopped(store: Store, execution: string): Promise<void> {
  const keys = await Array.fromAsync(store.list(`${stateRoot}turns/`), ({ key }) => key)
  await mapParallel(keys, key =>
    change(store, key, ({ working, waiting, stopped = [] }) => {
      const isWaiting = waiting !== undefined && executionIn(waiting.id) === execution
      const isWorking = working?.run !== undefined && executionIn(working.id) === execution
      if (!isWaiting && !isWorking) return undefined
      return {
        working: isWorking ? undefined : working,
        waiting: isWaiting ? undefined : waiting,
        stopped: [execution, ...stopped].slice(0, stoppedMax),
      }
    }),
  )
}

/** Stopped executions that are remembered, each needed only as long as a function lives. */
const stoppedMax = 20

type TurnName = Pick<TurnOptions, 'outputPath' | 'id'>

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

/** Decides the turn, and the next content of the file; no `next` where it stays the same. */
async function decide(
  store: Store,
  file: TurnFile,
  options: TurnOptions,
): Promise<{ readonly turn: Turn; readonly next?: TurnFile }> {
  const { id, wants, now, leaseMs, settleMs = 0, maySkip = true } = options
  const { working, waiting, stopped } = file
  if (stopped?.includes(executionIn(id))) return { turn: { status: 'skip' } }
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
    return { turn, next: { working, waiting: { id, since, leaseUntil, wants }, stopped } }
  }
  const since = working?.id === id ? working.since : now
  const waitMs = since + settleMs - now
  const turn: Turn = waitMs > 0 ? { status: 'wait', waitMs } : { status: 'go' }
  const isFresh = working?.id === id && now < working.leaseUntil - leaseMs / 2
  if (isFresh) return { turn }
  const run = working?.id === id ? working.run : undefined
  const mine: Holder = { id, since, leaseUntil: now + leaseMs, run }
  return { turn, next: { working: mine, waiting: waiting?.id === id ? undefined : waiting, stopped } }
}

const waitMsMin = 1000
/** Least wait of an execution without a place, because another one waits already; it grows with the time that the work takes. */
const queuedMs = 15_000

/** Limits a wait that grows with the time waited so far. */
const between = (minMs: number, ms: number): number => Math.min(waitSecondsMax * 1000, Math.max(minMs, ms))

/** How much later than announced a waiting execution may request again: its function may be throttled. */
const lateMs = 60_000

async function isLive(
  store: Store,
  { id, leaseUntil, run }: Holder,
  { now, ended = [] }: TurnOptions,
): Promise<boolean> {
  if (ended.includes(executionIn(id))) return false
  if (now < leaseUntil) return true
  if (!run) return false
  const lease = await readState(store, runKeys(run).lease, readLease)
  return lease !== undefined && lease.owner.id === id && now < lease.leaseUntil
}

async function change(store: Store, key: string, next: (file: TurnFile) => TurnFile | undefined): Promise<void> {
  await changeState(store, key, readTurnFile, file => file && next(file))
}

const keyOf = (outputPath: string): string => outputKeys(outputHashOf(outputPath)).turn

/** Reads the file; a damaged one counts as empty, because turns only save work. */
function readTurnFile(bytes: Uint8Array): TurnFile {
  try {
    return v.parse(turnSchema, JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return {}
  }
}
