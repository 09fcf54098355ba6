/** Guesses where a record begins in text whose beginning is not known. The reader of the text before it checks the guess. */
import type { Dialect } from './dialect.ts'
import { RecordMachine } from './machine.ts'

/** Bytes and records that are read first: a thousand records of usual length show clearly which guess is right. */
const windowBytesMin = 256 * 1024
const windowRecordsMax = 1_000

/**
 * Returns a search for the offset after the first record end in bytes that begin somewhere inside a text; -1 when there is none yet.
 * Called again with the same bytes and more after them, it continues where it was.
 * It reads the bytes twice, as if the first one stood inside quotes and as if it stood outside, and prefers the reading in which
 * more records have `columnCount` fields (0: any number). The guess may be wrong: only reading from the front is certain.
 */
export function recordStartSearch(dialect: Dialect, columnCount: number): (bytes: Uint8Array) => number {
  const outside = createTrial(dialect, 'outside quotes', columnCount)
  const inside = createTrial(dialect, 'inside quotes', columnCount)
  let windowBytes = windowBytesMin
  return bytes => {
    for (; ; windowBytes *= 16) {
      const window = bytes.subarray(0, windowBytes)
      outside.read(window)
      if (dialect.quote !== '') inside.read(window)
      if (inside.good > 0 && inside.bad / inside.good < outside.bad / Math.max(outside.good, 1)) return inside.start
      // No record was seen: the window may be shorter than one.
      if (outside.good + inside.good > 0 || windowBytes >= bytes.length) return outside.start
    }
  }
}

/** Reads the bytes under one assumption about the place of the first one, and counts good and bad records. */
function createTrial(dialect: Dialect, place: 'inside quotes' | 'outside quotes', columnCount: number) {
  const machine = new RecordMachine(dialect)
  machine.assume(place)
  let at = 0
  const judge = (): void => {
    if (machine.lineKind !== 'record') return
    if (machine.lineMalformed === 0 && (columnCount === 0 || machine.lineFields === columnCount)) trial.good++
    else trial.bad++
  }
  const trial = {
    start: -1,
    good: 0,
    bad: 0,
    /** Continues to read, up to enough records or the end of the bytes. */
    read(bytes: Uint8Array): void {
      while (at < bytes.length && trial.good + trial.bad < windowRecordsMax) {
        at = machine.step(bytes, at)
        if (!machine.isAtStart) return
        if (trial.start !== -1) judge()
        else {
          trial.start = at
          // Text after the quote that would close the first, partial record speaks against this assumption.
          trial.bad = machine.lineMalformed > 0 ? 1 : 0
        }
      }
    },
  }
  return trial
}
