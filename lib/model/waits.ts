/**
 * How long, and how often, an execution waits between two calls of a function. It waits in Wait states, because a function that
 * waits holds concurrency of the account that the batches need.
 */

/** The state machine carries it from one call of a function to the next, in each task's branch. */
export interface Waits {
  /** Since the execution began. */
  readonly count: number
  /** Since the branch last made progress: waits grow with it. */
  readonly inRow: number
  /** When `count` reaches it, the branch ends as `continued`, and the execution starts its successor. */
  readonly max: number
}

/** A history may have 25,000 events. Waiting may take this many of them, in all branches together. */
const waitEventsMax = 4_000

/** Entered and left: the Wait state and the Choice before it; and five events for the function. */
const eventsPerWait = 9

/** The waits of a branch, before the first one. */
export function noWaits(taskCount: number): Waits {
  return { count: 0, inRow: 0, max: Math.max(1, Math.floor(waitEventsMax / eventsPerWait / taskCount)) }
}

export const waitSecondsMax = 300

/** Grows by a quarter with each wait, so that what is noticed late is late by a quarter of the waiting time. */
const growth = 1.25

/** The next wait of a row that begins with `firstMs`. */
export function growingMs(firstMs: number, inRow: number): number {
  return Math.min(waitSecondsMax * 1000, firstMs * growth ** inRow)
}

/** What a function answers when it wants to be called again later. */
export interface WaitAnswer {
  /** Whole seconds for the Wait state. */
  readonly waitSeconds: number
  readonly waits: Waits
}

/** Undefined when the branch has used up its waits. */
export function nextWait({ count, inRow, max }: Waits, ms: number): WaitAnswer | undefined {
  if (count >= max) return undefined
  const waitSeconds = Math.min(waitSecondsMax, Math.max(1, Math.ceil(ms / 1000)))
  return { waitSeconds, waits: { count: count + 1, inRow: inRow + 1, max } }
}

export const afterProgress = (waits: Waits): Waits => ({ ...waits, inRow: 0 })
