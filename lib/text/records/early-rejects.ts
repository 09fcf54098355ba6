/** Rejects records that the engine cannot read, or only with far too much memory, before it sees them. */
import { Buffer, isUtf8 } from 'node:buffer'
import { type Dialect, longestRecordBytes, toBytes } from './dialect.ts'
import { RecordMachine } from './machine.ts'

/** Fields too many that the engine itself may report; for more it keeps a copy of the whole record for each. */
const extraFieldsMax = 8

const keptBytesMax = 65_536

/** The place of a record in its member, 1-based. */
export interface RecordNumbers {
  readonly line: number
  readonly record: number
}

export interface EarlyReject extends RecordNumbers {
  /** Empty where it is the whole record. */
  readonly column: string
  readonly expected: string
  /** Cut at 64 KiB. */
  readonly text: string
}

export interface EarlyRejectOptions {
  readonly dialect: Dialect
  /** Names of the fields; empty where records have none, or any number. */
  readonly columns: readonly string[]
  /** The encoding that is expected of a record that is not UTF-8; absent where all of the text is. */
  readonly encoding: string | undefined
  keep(record: EarlyReject): void
}

/** Returns whether a record is a reject, which is then kept. */
export type TakeReject = (record: Uint8Array, place: RecordNumbers) => boolean

/** Returns a function that takes rejects. */
export function earlyRejects(options: EarlyRejectOptions): TakeReject {
  const [delimiter = -1] = toBytes(options.dialect).delimiter
  return (bytes, { line, record }) => {
    const fault = faultOf(bytes, options, delimiter)
    if (fault === undefined) return false
    const kept = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, keptBytesMax))
    options.keep({ line, record, ...fault, text: kept.toString('utf8') })
    return true
  }
}

function faultOf(
  bytes: Uint8Array,
  { dialect, columns, encoding }: EarlyRejectOptions,
  delimiter: number,
): Pick<EarlyReject, 'column' | 'expected'> | undefined {
  if (bytes.length > longestRecordBytes) return { column: '', expected: 'a record of at most 64 MiB' }
  const fieldsMax = columns.length + extraFieldsMax
  const mayBeLong = columns.length > 0 && bytes.length >= fieldsMax && mayHaveMore(bytes, fieldsMax, delimiter)
  if (mayBeLong && fieldCount(bytes, dialect) > fieldsMax) return { column: '', expected: `${columns.length} fields` }
  if (encoding === undefined || isUtf8(bytes)) return undefined
  const field = fieldCount(bytes.subarray(0, validBytes(bytes)), dialect)
  return { column: columns[field - 1] ?? '', expected: encoding }
}

/** Counts delimiters inside quotes as well, which is much faster than telling them apart. */
function mayHaveMore(bytes: Uint8Array, fieldsMax: number, delimiter: number): boolean {
  let fields = 1
  for (const byte of bytes) if (byte === delimiter && ++fields > fieldsMax) return true
  return false
}

/** Counts the fields of a record, or of its beginning, that has no newline outside quotes. */
function fieldCount(bytes: Uint8Array, dialect: Dialect): number {
  const machine = new RecordMachine(dialect)
  for (let at = 0; at < bytes.length; ) at = machine.step(bytes, at)
  machine.finish()
  return machine.lineFields
}

/** Returns how many bytes at the beginning are UTF-8. */
function validBytes(bytes: Uint8Array): number {
  const again = Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), 'utf8')
  let at = 0
  while (at < bytes.length && bytes[at] === again[at]) at++
  return at
}
