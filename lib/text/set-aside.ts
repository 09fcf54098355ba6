/** Records that are rejects before the engine sees them, because it keeps the whole record once for each field too many. */
import { Buffer } from 'node:buffer'
import { type Dialect, longestRecordBytes, toBytes } from './record-dialect.ts'
import { RecordMachine } from './record-machine.ts'

/** The engine itself tells of so many fields too many. */
const extraFieldsMax = 8

/** So much of a record is kept. */
const keptBytesMax = 65_536

export interface AsideRecord {
  /** 1-based, in the member. */
  readonly line: number
  readonly record: number
  readonly expected: string
  /** Cut at 64 KiB. */
  readonly text: string
}

export class SetAside {
  private readonly dialect: Dialect
  private readonly columnCount: number
  private readonly delimiter: number
  private readonly keep: (record: AsideRecord) => void

  /** `columnCount` is 0 where records have no fields. */
  constructor(dialect: Dialect, columnCount: number, keep: (record: AsideRecord) => void) {
    this.dialect = dialect
    this.columnCount = columnCount
    this.delimiter = toBytes(dialect).delimiter[0] ?? -1
    this.keep = keep
  }

  /** Whether the record is a reject, which is kept then. */
  take(bytes: Uint8Array, { line, record }: { readonly line: number; readonly record: number }): boolean {
    const expected = this.expectedOf(bytes)
    if (expected === undefined) return false
    const kept = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, keptBytesMax))
    this.keep({ line, record, expected, text: kept.toString('utf8') })
    return true
  }

  private expectedOf(bytes: Uint8Array): string | undefined {
    if (bytes.length > longestRecordBytes) return 'a record of at most 64 MiB'
    const fieldsMax = this.columnCount + extraFieldsMax
    if (this.columnCount === 0 || bytes.length < fieldsMax || !this.mayHaveMore(bytes, fieldsMax)) return undefined
    return fieldCount(bytes, this.dialect) > fieldsMax ? `${this.columnCount} fields` : undefined
  }

  /** Counts delimiters in quotes too, which is much faster than to tell them apart. */
  private mayHaveMore(bytes: Uint8Array, fieldsMax: number): boolean {
    let fields = 1
    for (const byte of bytes) if (byte === this.delimiter && ++fields > fieldsMax) return true
    return false
  }
}

/** Fields of a record without its newline. */
function fieldCount(bytes: Uint8Array, dialect: Dialect): number {
  const machine = new RecordMachine(dialect)
  machine.step(bytes, 0)
  machine.finish()
  return machine.lineFields
}
