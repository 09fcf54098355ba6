/** Rejects records before the engine reads them, because it keeps a copy of the whole record for each field too many. */
import { Buffer } from 'node:buffer'
import { type Dialect, longestRecordBytes, toBytes } from './record-dialect.ts'
import { RecordMachine } from './record-machine.ts'

/** Fields too many that the engine itself may report. */
const extraFieldsMax = 8

/** Bytes of a record that are kept. */
const keptBytesMax = 65_536

export interface EarlyReject {
  /** 1-based, in the member. */
  readonly line: number
  readonly record: number
  readonly expected: string
  /** Cut at 64 KiB. */
  readonly text: string
}

export class EarlyRejects {
  private readonly dialect: Dialect
  private readonly columnCount: number
  private readonly delimiter: number
  private readonly keep: (record: EarlyReject) => void

  /** `columnCount` is 0 where records have no fields; `keep` receives each reject. */
  constructor(dialect: Dialect, columnCount: number, keep: (record: EarlyReject) => void) {
    this.dialect = dialect
    this.columnCount = columnCount
    this.delimiter = toBytes(dialect).delimiter[0] ?? -1
    this.keep = keep
  }

  /** Returns whether the record is a reject, which it then keeps. */
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

  /** Counts delimiters inside quotes as well, which is much faster than telling them apart. */
  private mayHaveMore(bytes: Uint8Array, fieldsMax: number): boolean {
    let fields = 1
    for (const byte of bytes) if (byte === this.delimiter && ++fields > fieldsMax) return true
    return false
  }
}

/** Counts the fields of a record that has no newline. */
function fieldCount(bytes: Uint8Array, dialect: Dialect): number {
  const machine = new RecordMachine(dialect)
  machine.step(bytes, 0)
  machine.finish()
  return machine.lineFields
}
