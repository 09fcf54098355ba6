/** Reads the bounds in the statistics of a footer: the least and the greatest value of a column. */
import { Buffer, isUtf8 } from 'node:buffer'
import { physical, type SchemaElement } from './footer.ts'

/** A bound that compares: a number, or the UTF-8 bytes of a text. Booleans, days, microseconds and unscaled decimals are whole numbers. */
export type Bound = bigint | number | Buffer

export type BoundKind = 'boolean' | 'integer' | 'float' | 'decimal' | 'date' | 'timestamp' | 'text'

const [logicalString, logicalDecimal, logicalDate, logicalTime, logicalTimestamp] = [1, 5, 6, 7, 8]
const [convertedText, convertedDecimal, convertedDate] = [0, 5, 6]
/** Converted types of times and timestamps: 7 TIME_MILLIS, 8 TIME_MICROS, 9 TIMESTAMP_MILLIS, 10 TIMESTAMP_MICROS. */
const convertedTimes = [7, 8]
const convertedTimestamps: Readonly<Record<number, number>> = { 9: 1, 10: 2 }

/** Returns how the bounds of a column are read; undefined for types whose bounds are not read. */
export function boundKind({ type, logical, converted = -1 }: SchemaElement): BoundKind | undefined {
  const id = logical?.id
  const isPlain = logical === undefined
  if (type === physical.boolean) return 'boolean'
  if (id === logicalDecimal || (isPlain && converted === convertedDecimal)) return 'decimal'
  if (type === physical.float || type === physical.double) return 'float'
  if (type === physical.bytes)
    return id === logicalString || (isPlain && converted === convertedText) ? 'text' : undefined
  if (type !== physical.int32 && type !== physical.int64) return undefined
  if (id === logicalTime || (isPlain && convertedTimes.includes(converted))) return undefined
  if (id === logicalDate || (isPlain && converted === convertedDate)) return 'date'
  if (id === logicalTimestamp || (isPlain && convertedTimestamps[converted] !== undefined)) return 'timestamp'
  return 'integer'
}

/** Reads a bound; undefined where a column of this type has none, or it is no number. */
export function readBound(element: SchemaElement, bytes: Uint8Array): Bound | undefined {
  const kind = boundKind(element)
  const { type } = element
  if (kind === undefined) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (kind === 'text') return buffer
  if (type === physical.boolean) return bytes.length === 1 ? BigInt(buffer.readUInt8()) : undefined
  if (type === physical.int32) return bytes.length === 4 ? BigInt(buffer.readInt32LE()) : undefined
  if (type === physical.int64) return bytes.length === 8 ? buffer.readBigInt64LE() : undefined
  if (type === physical.float) return finite(bytes.length === 4 ? buffer.readFloatLE() : Number.NaN)
  if (type === physical.double) return finite(bytes.length === 8 ? buffer.readDoubleLE() : Number.NaN)
  return bytes.length === 0 ? undefined : BigInt.asIntN(bytes.length * 8, BigInt(`0x${buffer.toString('hex')}`))
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

/** Returns the unit of a timestamp: 1 for milliseconds, 2 for microseconds, 3 for nanoseconds. */
export const timestampUnit = ({ logical, converted = -1 }: SchemaElement): number =>
  logical?.unit ?? convertedTimestamps[converted] ?? 2

/** Splits a timestamp into whole milliseconds and the rest of its unit. */
export function splitTimestamp(element: SchemaElement, value: bigint) {
  const perMillisecond = 1000n ** BigInt(timestampUnit(element) - 1)
  const rest = ((value % perMillisecond) + perMillisecond) % perMillisecond
  return { milliseconds: (value - rest) / perMillisecond, rest }
}

/** Returns the text; undefined where the bytes are not UTF-8. */
export const utf8Text = (bytes: Uint8Array): string | undefined =>
  isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : undefined

/** Returns an unscaled decimal with its point. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Returns ISO 8601; undefined outside of the years 1 to 9999, and for infinity. */
export function dateText(milliseconds: number): string | undefined {
  if (milliseconds < -62_135_596_800_000 || milliseconds > 253_402_300_799_999) return undefined
  return new Date(milliseconds).toISOString()
}
