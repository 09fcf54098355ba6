/** Counts records and finds their ends by the rules of the engine's CSV parser. */
import { type Dialect, isNewline } from './dialect.ts'
import { canJump } from './jump.ts'
import { RecordSkipper } from './kernel.ts'
import { RecordMachine, type RecordTally } from './machine.ts'

export type NewlineStyle = 'lf' | 'crlf' | 'cr' | 'mixed' | 'none'

export interface RecordScan {
  readonly records: number
  readonly endsInsideQuote: boolean
  /** The kind of line ends outside quotes; `none` when there are none. */
  readonly newline: NewlineStyle
  readonly blankLines: number
  readonly commentLines: number
  /** Physical lines, also those inside quotes and a last one without newline. */
  readonly lines: number
  readonly endsWithNewline: boolean
  /** Records that the engine cannot separate from their neighbours; see RecordTally. */
  readonly tangled: number
}

/**
 * Counts the records of a text that begins with one. A quote opens only at the beginning of a field
 * (after at most one space). Blank lines and comments are no records.
 */
export function scanRecords(bytes: Uint8Array, dialect: Dialect): RecordScan {
  const machine = new RecordMachine(dialect)
  advance(machine, bytes, { dialect, from: 0 })
  return finishScan(machine, bytes.at(-1))
}

/** Ends the text of a machine that has read its bytes, and returns its counts. A text without bytes has no last one. */
function finishScan(machine: RecordMachine, lastByte: number | undefined): RecordScan {
  const { tally } = machine
  const endsInsideQuote = machine.isInsideQuote
  const endsWithNewline = !endsInsideQuote && isNewline(lastByte)
  machine.finish()
  const { records, blankLines, commentLines, tangled } = tally
  const lines = tally.lines + (lastByte !== undefined && !endsWithNewline ? 1 : 0)
  const newline = styleOf(tally)
  return { records, endsInsideQuote, newline, blankLines, commentLines, lines, endsWithNewline, tangled }
}

/**
 * Returns a search for the first record end at or after `notBefore`, with a scan of the records from `from`, where one begins;
 * undefined when these bytes do not have it. Called again with the same bytes and more after them, it continues where it was.
 */
export function recordEndSearch(
  dialect: Dialect,
  { from, notBefore }: { readonly from: number; readonly notBefore: number },
): (bytes: Uint8Array) => { readonly end: number; readonly scan: RecordScan } | undefined {
  const machine = new RecordMachine(dialect)
  let at = from
  return bytes => {
    if (from >= notBefore) return { end: from, scan: finishScan(machine, undefined) }
    const before = bytes.subarray(0, notBefore - 1)
    if (at < before.length) {
      advance(machine, before, { dialect, from: at })
      at = before.length
    }
    while (at < bytes.length) {
      at = machine.step(bytes, at)
      if (machine.isAtStart && at >= notBefore) return { end: at, scan: finishScan(machine, bytes[at - 1]) }
    }
    return undefined
  }
}

/** Scans a text that begins with a record and arrives in windows, up to the first record end at or after an offset in it. */
export function createWindowScan(dialect: Dialect, offset: number) {
  const machine = new RecordMachine(dialect)
  let notBefore = offset
  let isDone = false
  let lastByte: number | undefined
  return {
    /** Whether that record end was found. */
    get isDone() {
      return isDone
    },
    /** Reads the next window. Returns the offset in it after the last record end, blank lines included, or -1 when it has none. */
    push(window: Uint8Array): number {
      const before = window.subarray(0, Math.max(0, notBefore - 1))
      let end = before.length > 0 ? advance(machine, before, { dialect, from: 0 }) : -1
      let at = before.length
      while (at < window.length && !isDone) {
        at = machine.step(window, at)
        if (!machine.isAtStart) break
        end = at
        isDone = at >= notBefore
      }
      notBefore -= window.length
      lastByte = at > 0 ? window[at - 1] : lastByte
      return end
    },
    /** Ends the text: at the record end that was found, or at the end of the last window. */
    finish: (): RecordScan => finishScan(machine, lastByte),
  }
}

/** Finds record ends in text that arrives in chunks, and keeps none of it. */
export interface RecordCutter {
  /** Returns the offset in the chunk after the last record end, blank lines included, or -1 when it has none. */
  push(chunk: Uint8Array): number
  /** Ends the text, whose last record may have no newline. */
  finish(): void
  /** Records before the last end that was found. */
  readonly records: number
  /** Physical lines before the last end that was found. */
  readonly lines: number
}

/** Returns a cutter for text that begins with a record. The next chunk decides about a carriage return at a chunk's end. */
export function createRecordCutter(dialect: Dialect): RecordCutter {
  const machine = new RecordMachine(dialect)
  let lines = 0
  return {
    push(chunk) {
      return advance(machine, chunk, { dialect, from: 0, onEnd: () => (lines = machine.tally.lines) })
    },
    finish() {
      machine.finish()
      lines = machine.tally.lines
    },
    get records() {
      return machine.tally.records
    },
    get lines() {
      return lines
    },
  }
}

interface AdvanceOptions {
  readonly dialect: Dialect
  readonly from: number
  /** Called at record ends, though not at each one. */
  readonly onEnd?: () => void
}

/** Reads all bytes, jumping where possible and stepping elsewhere; returns the offset after the last record end, or -1. */
function advance(machine: RecordMachine, bytes: Uint8Array, { dialect, from, onEnd }: AdvanceOptions): number {
  const jumper = canJump(dialect) ? new RecordSkipper(bytes, dialect, machine.tally) : undefined
  let at = from
  let end = -1
  while (at < bytes.length) {
    if (jumper && machine.isAtStart) {
      const next = jumper.jump(at)
      if (next > at) end = next
      at = next
      onEnd?.()
      if (at === bytes.length) break
    }
    at = machine.step(bytes, at)
    if (!machine.isAtStart) break
    end = at
    onEnd?.()
  }
  return end
}

function styleOf({ lf, crlf, cr }: RecordTally): NewlineStyle {
  const styles = [lf > 0 ? 'lf' : '', crlf > 0 ? 'crlf' : '', cr > 0 ? 'cr' : ''].filter(style => style !== '')
  if (styles.length > 1) return 'mixed'
  return (styles[0] ?? 'none') as NewlineStyle
}
