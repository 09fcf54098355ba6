/** Lets threads end their work before the process exits: ending a thread in a query, or while it loads the engine, aborts the process. */
import { isAnyLost } from './end-process.ts'

/** Memory that a pool shares with its threads: how many jobs and starts they work on, and whether the process exits. */
export type Activity = Int32Array<SharedArrayBuffer>

/** Index of the number of jobs that run and of threads that load their modules. */
const working = 0
/** Index of the mark, 1, that the process exits. */
const exiting = 1

export const newActivity = (): Activity => new Int32Array(new SharedArrayBuffer(8))

/** Counts work that began (1) or ended (-1). */
export function countWork(activity: Activity, change: 1 | -1): void {
  Atomics.add(activity, working, change)
  Atomics.notify(activity, working)
}

/** Whether work that begins now would be ended with the process. */
export const isEnding = (activity: Activity): boolean => Atomics.load(activity, exiting) === 1

/** Time after which the orders are repeated. */
const againMs = 100

interface EndingPool {
  readonly activity: Activity
  /** Orders the threads to end their jobs. */
  stop(): void
  /** Gives up the threads whose jobs do not end, so that they are ended with the whole program. */
  lose(): void
}

const pools = new Set<EndingPool>()
let watchesExit = false

/**
 * When the process exits, stops the pool and waits until no thread works, or for `msMax`. The exit code and the message of an
 * uncaught exception stay those of Node. Returns a function after whose call the pool is left alone.
 */
export function endWithProcess(pool: EndingPool, msMax: number): () => void {
  if (!watchesExit) process.once('exit', () => endPools(msMax))
  watchesExit = true
  pools.add(pool)
  return () => void pools.delete(pool)
}

function endPools(msMax: number): void {
  // A thread in a function that does not return is ended with the whole program.
  if (isAnyLost()) return
  const until = performance.now() + msMax
  for (const { activity, stop } of pools) {
    Atomics.store(activity, exiting, 1)
    stop()
  }
  for (const pool of pools) if (!hasEnded(pool, until)) pool.lose()
}

function hasEnded({ activity, stop }: EndingPool, until: number): boolean {
  for (;;) {
    const left = Atomics.load(activity, working)
    const ms = until - performance.now()
    if (left <= 0 || ms <= 0) return left <= 0
    Atomics.wait(activity, working, left, Math.min(ms, againMs))
    // An order that comes just before a query begins does not end it.
    stop()
  }
}
