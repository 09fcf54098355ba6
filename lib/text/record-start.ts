/** Guesses where a record begins in text whose beginning is not known; the guess is checked by whoever reads up to there. */
import type { Dialect } from './record-dialect.ts'
import { RecordMachine } from './record-machine.ts'

/** Looked at first; a thousand records of usual length show beyond doubt which guess is right. */
const windowBytesMin = 256 * 1024
const windowRecordsMax = 1_000

/**
 * Searches for the offset after the first record end in bytes that begin somewhere inside a text; -1 when there is none yet:
 * asked again with the same bytes and more after them, the search goes on where it was.
 * Both are tried, that the first byte is inside quotes and that it is not; the one wins whose records have more often
 * `columnCount` fields (0: any number). It may be wrong: the record end that is found by reading from the front decides.
 */
export function recordStartSearch(dialect: Dialect, columnCount: number): (bytes: Uint8Array) => number {
  const outside = new Trial(dialect, 'outside quotes', columnCount)
  const inside = new Trial(dialect, 'inside quotes', columnCount)
  let windowBytes = windowBytesMin
  return bytes => {
    for (; ; windowBytes *= 16) {
      const window = bytes.subarray(0, windowBytes)
      outside.read(window)
      if (dialect.quote !== '') inside.read(window)
      if (inside.good > 0 && inside.bad / inside.good < outside.bad / Math.max(outside.good, 1)) return inside.start
      // Nothing seen yet: the window may be shorter than one record.
      if (outside.good + inside.good > 0 || windowBytes >= bytes.length) return outside.start
    }
  }
}

/** What is seen when the first byte is supposed to be in a certain place. */
class Trial {
  start = -1
  good = 0
  bad = 0
  private readonly machine: RecordMachine
  private readonly columnCount: number
  private at = 0

  constructor(dialect: Dialect, place: 'inside quotes' | 'outside quotes', columnCount: number) {
    this.machine = new RecordMachine(dialect)
    this.machine.assume(place)
    this.columnCount = columnCount
  }

  /** Reads on, to enough records or the end of the bytes. */
  read(bytes: Uint8Array): void {
    const { machine } = this
    while (this.at < bytes.length && this.good + this.bad < windowRecordsMax) {
      this.at = machine.step(bytes, this.at)
      if (!machine.isAtStart) return
      if (this.start !== -1) this.judge()
      else {
        this.start = this.at
        // Text after the quote that would close the first, partial record speaks against it.
        this.bad = machine.lineMalformed > 0 ? 1 : 0
      }
    }
  }

  private judge(): void {
    const { machine, columnCount } = this
    if (machine.lineKind !== 'record') return
    if (machine.lineMalformed === 0 && (columnCount === 0 || machine.lineFields === columnCount)) this.good++
    else this.bad++
  }
}
