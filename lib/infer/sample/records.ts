/** Reads the records of a sample under a dialect that is tried, to judge how well it fits. */
import { Buffer } from 'node:buffer'
import { type Field, splitFields } from '../../text/csv-fields.ts'
import type { Dialect } from '../../text/records/dialect.ts'
import { RecordMachine } from '../../text/records/machine.ts'

/** The beginning of a text, in UTF-8 and without byte order mark. */
export interface SampleBytes {
  readonly bytes: Uint8Array
  /** Whether this is the whole text. */
  readonly isWhole: boolean
}

export interface SampleRecord {
  /** Offsets of its bytes, the newline excluded. */
  readonly start: number
  readonly end: number
  /** 1-based physical line at which it begins, and how many lines it takes. */
  readonly line: number
  readonly lines: number
  readonly fieldCount: number
  /** Whether the engine would reject it: text follows a closing quote, or a quote is not closed. */
  readonly isMalformed: boolean
}

/** Lines of a quoted field from which its quote counts as opened by mistake. */
const openLinesMax = 100

/** Returns the records of the sample, without blank lines and comments, and without a last one that the sample cuts. */
export function sampleRecords({ bytes, isWhole }: SampleBytes, dialect: Dialect): SampleRecord[] {
  const machine = new RecordMachine(dialect)
  const records: SampleRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at
    const before = machine.tally.lines
    at = machine.step(bytes, at)
    const isOpen = machine.isInsideQuote
    const isEnded = machine.isAtStart
    if (!isEnded) machine.finish()
    const lines = Math.max(1, machine.tally.lines - before)
    if (machine.lineKind !== 'record' && !isOpen) continue
    if (!isEnded && !isWhole && lines < openLinesMax) continue
    const end = at - (isEnded ? machine.newlineBytes : 0)
    const isMalformed = isOpen || machine.lineMalformed > 0
    records.push({ start, end, line: before + 1, lines, fieldCount: machine.lineFields, isMalformed })
  }
  return records
}

export function fieldsOf({ bytes }: SampleBytes, { start, end }: SampleRecord, dialect: Dialect): Field[] {
  return splitFields(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'), dialect)
}
