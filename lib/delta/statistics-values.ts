/** Reads the bounds in the footer of a Parquet file, and writes them as the log of a table has them. */
import { physical, type SchemaElement } from '../parquet/footer.ts'

/** A bound that compares: a number, or the UTF-8 bytes of a text. Days, microseconds and unscaled decimals are whole numbers. */
export type Bound = bigint | number | Buffer

type BoundKind = 'integer' | 'float' | 'decimal' | 'date' | 'timestamp' | 'text'

const [logicalString, logicalDecimal, logicalDate, logicalTime, logicalTimestamp] = [1, 5, 6, 7, 8]
const [convertedText, convertedDecimal, convertedDate] = [0, 5, 6]
/** Converted types of times and timestamps: 7 TIME_MILLIS, 8 TIME_MICROS, 9 TIMESTAMP_MILLIS, 10 TIMESTAMP_MICROS. */
const convertedTimes = [7, 8]
const convertedTimestamps: Readonly<Record<number, number>> = { 9: 1, 10: 2 }

/** Returns how the bounds of a column are read; undefined where the log of a table has none for it. */
function kindOf({ type, logical, converted = -1 }: SchemaElement): BoundKind | undefined {
  const id = logical?.id
  const isPlain = logical === undefined
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
  const kind = kindOf(element)
  const { type } = element
  if (kind === undefined) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (kind === 'text') return buffer
  if (type === physical.int32) return bytes.length === 4 ? BigInt(buffer.readInt32LE()) : undefined
  if (type === physical.int64) return bytes.length === 8 ? buffer.readBigInt64LE() : undefined
  if (type === physical.float) return finite(bytes.length === 4 ? buffer.readFloatLE() : Number.NaN)
  if (type === physical.double) return finite(bytes.length === 8 ? buffer.readDoubleLE() : Number.NaN)
  return bytes.length === 0 ? undefined : BigInt.asIntN(bytes.length * 8, BigInt(`0x${buffer.toString('hex')}`))
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

/** Compares two bounds of one column. */
export function compareBounds(a: Bound, b: Bound): number {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Characters of a text in statistics, as in those of other writers. */
const textLengthMax = 32
const highestCharacter = '\u{10ffff}'

/** Returns the lowest value as JSON, or a value below it; undefined where there is none in JSON. */
export function lowestText(element: SchemaElement, bound: Bound): string | undefined {
  if (!Buffer.isBuffer(bound)) return numberText(element, bound, 'down')
  const text = textOf(bound, 'down')
  return text === undefined ? undefined : JSON.stringify(Array.from(text).slice(0, textLengthMax).join(''))
}

/** Returns the highest value as JSON, or a value above it; undefined where there is none in JSON. */
export function highestText(element: SchemaElement, bound: Bound): string | undefined {
  if (!Buffer.isBuffer(bound)) return numberText(element, bound, 'up')
  const text = textOf(bound, 'up')
  if (text === undefined) return undefined
  const characters = Array.from(text)
  if (characters.length <= textLengthMax) return JSON.stringify(text)
  if (characters[textLengthMax] === highestCharacter) return undefined
  return JSON.stringify(characters.slice(0, textLengthMax).join('') + highestCharacter)
}

/** A writer may have cut a text within a character: what is left of it is below the value, and cannot be used above it. */
function textOf(bytes: Buffer, round: 'down' | 'up'): string | undefined {
  for (let end = bytes.length; end >= Math.max(0, bytes.length - 3); end--)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end))
    } catch {
      if (round === 'up') return undefined
    }
  return undefined
}

function numberText(element: SchemaElement, bound: bigint | number, round: 'down' | 'up'): string | undefined {
  if (typeof bound === 'number') return JSON.stringify(bound)
  const kind = kindOf(element)
  if (kind === 'decimal') return decimalText(bound, element.logical?.scale ?? element.scale ?? 0)
  if (kind === 'date') return quoted(dateText(Number(bound) * 86_400_000)?.slice(0, 10))
  if (kind === 'timestamp') return quoted(timestampText(element, bound, round))
  return bound.toString()
}

const quoted = (text: string | undefined): string | undefined => text && JSON.stringify(text)

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString()
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Rounds to milliseconds, which every reader of statistics knows: the lower bound down, the upper one up. */
function timestampText(
  { logical, converted = -1 }: SchemaElement,
  value: bigint,
  round: 'down' | 'up',
): string | undefined {
  const unit = logical?.unit ?? convertedTimestamps[converted] ?? 2
  const perMillisecond = 1000n ** BigInt(unit - 1)
  const rest = ((value % perMillisecond) + perMillisecond) % perMillisecond
  const milliseconds = (value - rest) / perMillisecond + (round === 'up' && rest > 0n ? 1n : 0n)
  const text = dateText(Number(milliseconds))
  const isUtc = logical ? logical.isUtc === true : true
  return isUtc ? text : text?.slice(0, -1)
}

/** Returns ISO 8601; undefined outside of the years 1 to 9999, and for infinity. */
function dateText(milliseconds: number): string | undefined {
  if (milliseconds < -62_135_596_800_000 || milliseconds > 253_402_300_799_999) return undefined
  return new Date(milliseconds).toISOString()
}
