/**
 * Decides how long and how often an execution waits between two calls of a function. It waits in Wait states, because a function
 * that waits takes up concurrency of the account that the batches need.
 */

/** The waits so far, which the state machine carries from one call of a function to the next, in each task's branch. */
export interface Waits {
  /** Waits since the execution began. */
  readonly count: number
  /** Waits since the branch last made progress; they grow with it. */
  readonly inRow: number
  /** The count at which the branch ends as `continued` and the execution starts its successor. */
  readonly max: number
}

/** Events that waiting may take in all branches together; an execution's history has room for 25,000. */
const waitEventsMax = 4_000

/** Two events each for the Wait state and the Choice before it, and five for the function. */
const eventsPerWait = 9

/** Returns the waits of a branch that has not waited yet. */
export function noWaits(taskCount: number): Waits {
  return { count: 0, inRow: 0, max: Math.max(1, Math.floor(waitEventsMax / eventsPerWait / taskCount)) }
}

export const waitSecondsMax = 300

/** Each wait is longer by a quarter, so that a change is noticed late by at most a quarter of the waiting time. */
const growth = 1.25

/** Returns the length of the next wait in a row that began with `firstMs`. */
export function growingMs(firstMs: number, inRow: number): number {
  return Math.min(waitSecondsMax * 1000, firstMs * growth ** inRow)
}

/** The answer of a function that must be called again later. */
export interface WaitAnswer {
  /** Whole seconds for the Wait state. */
  readonly waitSeconds: number
  readonly waits: Waits
}

/** Returns the answer for a wait of so many milliseconds; undefined when the branch has used up its waits. */
export function nextWait({ count, inRow, max }: Waits, ms: number): WaitAnswer | undefined {
  if (count >= max) return undefined
  const waitSeconds = Math.min(waitSecondsMax, Math.max(1, Math.ceil(ms / 1000)))
  return { waitSeconds, waits: { count: count + 1, inRow: inRow + 1, max } }
}

/** Returns the waits of a branch that has made progress. */
export const afterProgress = (waits: Waits): Waits => ({ ...waits, inRow: 0 })
