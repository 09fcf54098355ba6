/** Knows how long shares take, so that one that takes far longer than the others is found. */

export interface Pace {
  /** Returns milliseconds since any moment. */
  now(): number
  /** Adds a finished share: its bytes, and the time from when its thread began with it. */
  add(bytes: number, ms: number): void
  /** Returns the time after which a share of these bytes is far slower than those that have finished; undefined while none has. */
  slowMs(bytes: number): number | undefined
}

/** A share may take this many times its estimate, because rows of equal bytes differ in what they cost. */
const slowFactor = 4

/** A shorter share is not worth a second copy: opening a task in a thread takes a good part of a second. */
const slowMsMin = 5000

export interface PaceOptions {
  readonly now: () => number
  /** Time that any share may take; lower in tests. */
  readonly slowMsMin?: number | undefined
}

/** Creates the pace of one stage of a run. */
export function createPace({ now, slowMsMin: msMin = slowMsMin }: PaceOptions): Pace {
  const done = { bytes: 0, ms: 0 }
  return {
    now,
    add(bytes, ms) {
      done.bytes += bytes
      done.ms += ms
    },
    slowMs: bytes => (done.bytes === 0 ? undefined : Math.max(msMin, (slowFactor * bytes * done.ms) / done.bytes)),
  }
}
