/** Guesses where a record begins in text whose beginning is not known; the guess is checked by whoever reads up to there. */
import type { Dialect } from './record-dialect.ts'
import { RecordMachine } from './record-machine.ts'

/** Looked at first; a thousand records of usual length show beyond doubt which guess is right. */
const windowBytesMin = 256 * 1024
const windowRecordsMax = 1_000

/**
 * The offset after the first record end in bytes that begin somewhere inside a text, or -1 when there is none.
 * Both are tried, that the first byte is inside quotes and that it is not; the one wins whose records have more often
 * `columnCount` fields (0: any number). It may be wrong: the record end that is found by reading from the front decides.
 */
export function firstRecordStart(bytes: Uint8Array, dialect: Dialect, columnCount: number): number {
  for (let windowBytes = windowBytesMin; ; windowBytes *= 16) {
    const window = bytes.subarray(0, windowBytes)
    const outside = tryFrom(window, dialect, { place: 'outside quotes', columnCount })
    if (dialect.quote === '') return outside.start
    const inside = tryFrom(window, dialect, { place: 'inside quotes', columnCount })
    if (inside.good > 0 && inside.bad / inside.good < outside.bad / Math.max(outside.good, 1)) return inside.start
    // Nothing seen yet: the window may be shorter than one record.
    if (outside.good + inside.good > 0 || windowBytes >= bytes.length) return outside.start
  }
}

interface Trial {
  readonly start: number
  readonly good: number
  readonly bad: number
}

interface TrialOptions {
  readonly place: 'inside quotes' | 'outside quotes'
  readonly columnCount: number
}

function tryFrom(bytes: Uint8Array, dialect: Dialect, { place, columnCount }: TrialOptions): Trial {
  const machine = new RecordMachine(dialect)
  machine.assume(place)
  let at = machine.step(bytes, 0)
  if (!machine.isAtStart) return { start: -1, good: 0, bad: 0 }
  const start = at
  // Text after the quote that would close the first, partial record speaks against it.
  let bad = machine.lineMalformed > 0 ? 1 : 0
  let good = 0
  while (at < bytes.length && good + bad < windowRecordsMax) {
    at = machine.step(bytes, at)
    if (!machine.isAtStart) break
    if (machine.lineKind !== 'record') continue
    const isGood = machine.lineMalformed === 0 && (columnCount === 0 || machine.lineFields === columnCount)
    if (isGood) good++
    else bad++
  }
  return { start, good, bad }
}
