/** Reads Avro values whose type says what they mean: dates, times, decimals and identifiers. */
import type { Buffer } from 'node:buffer'
import type { BlockBytes } from './block-bytes.ts'
import type { AvroType } from './schema.ts'

export interface LogicalText {
  read(bytes: BlockBytes): string
  /** Whether the text is a number of JSON. Default false. */
  readonly isNumber?: boolean
}

/** Returns how values of a type with a meaning are read; undefined for types without one, and for meanings that Fanmill does not know. */
export function logicalText(type: AvroType): LogicalText | undefined {
  if (!('logical' in type) || type.logical === undefined) return undefined
  const { kind, logical, scale = 0 } = type
  if (kind === 'int' && logical === 'date') return { read: bytes => dayText(bytes.long()) }
  if (kind === 'int' && logical === 'time-millis') return { read: bytes => timeText(BigInt(bytes.long()), 3) }
  if (kind === 'long' && logical === 'time-micros') return { read: bytes => timeText(BigInt(bytes.long()), 6) }
  const digits = kind === 'long' ? timestampDigits[logical.replace(/^(local-)?timestamp-/, '')] : undefined
  if (digits !== undefined && /^(local-)?timestamp-/.test(logical)) {
    const zone = logical.startsWith('local-') ? '' : 'Z'
    return { read: bytes => `${timestampText(BigInt(bytes.long()), digits)}${zone}` }
  }
  if (logical === 'decimal' && kind === 'bytes') return { read: bytes => decimalText(bytes.take(bytes.size()), scale) }
  if (logical === 'decimal' && kind === 'fixed') return { read: bytes => decimalText(bytes.take(type.size), scale) }
  if (logical === 'uuid' && kind === 'fixed' && type.size === 16) return { read: bytes => uuidText(bytes.take(16)) }
  return undefined
}

const timestampDigits: Readonly<Record<string, number>> = { millis: 3, micros: 6, nanos: 9 }

const dayMilliseconds = 86_400_000
/** The last day that a date of JavaScript holds. */
const dayMax = 100_000_000

/** Returns a day as `2024-01-31`; one that is too far away as its number, which no date is. */
function dayText(days: number | bigint): string {
  if (Math.abs(Number(days)) > dayMax) return String(days)
  return new Date(Number(days) * dayMilliseconds).toISOString().slice(0, -14).replace(/^\+0*/, '')
}

/** Returns the time since midnight, in units of so many digits of a second. */
function timeText(units: bigint, digits: number): string {
  const second = 10n ** BigInt(digits)
  const seconds = units / second
  const [hours, minutes, rest] = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
  const clock = [hours, minutes, rest].map(part => String(part).padStart(2, '0')).join(':')
  return units < 0n ? String(units) : `${clock}${fraction(units % second, digits)}`
}

function timestampText(units: bigint, digits: number): string {
  const day = 86_400n * 10n ** BigInt(digits)
  const inDay = ((units % day) + day) % day
  return `${dayText((units - inDay) / day)}T${timeText(inDay, digits)}`
}

const fraction = (units: bigint, digits: number): string =>
  units === 0n ? '' : `.${String(units).padStart(digits, '0').replace(/0+$/, '')}`

/** Returns a two's complement number with so many digits after its point. */
function decimalText(bytes: Buffer, scale: number): string {
  if (bytes.length === 0) return '0'
  const unsigned = BigInt(`0x${bytes.toString('hex')}`)
  const value = BigInt.asIntN(8 * bytes.length, unsigned)
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`
}

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
