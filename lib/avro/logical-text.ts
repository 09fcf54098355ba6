/** Reads Avro values whose type says what they mean: dates, times, decimals and identifiers. */
import type { Buffer } from 'node:buffer'
import { invalidInput } from '../errors/invalid-input.ts'
import type { BlockBytes } from './block-bytes.ts'
import type { AvroType } from './schema.ts'

/** Returns how values of a type with a meaning are read; undefined for types without one, and for meanings that Fanmill does not know. */
export function logicalText(type: AvroType): ((bytes: BlockBytes) => string) | undefined {
  if (!('logical' in type) || type.logical === undefined) return undefined
  const { kind, logical, scale = 0 } = type
  if (kind === 'int' && logical === 'date') return bytes => dayText(bytes.long())
  if (kind === 'int' && logical === 'time-millis') return bytes => timeText(Number(bytes.long()), 3)
  if (kind === 'long' && logical === 'time-micros') return bytes => timeText(Number(bytes.long()), 6)
  const [, local, unit = ''] = /^(local-)?timestamp-(.*)$/.exec(logical) ?? []
  const digits = kind === 'long' ? timestampDigits.get(unit) : undefined
  if (digits !== undefined) {
    const zone = local ? '' : 'Z'
    const textOfDay = rememberedDay()
    return bytes => `${timestampText(bytes.long(), digits, textOfDay)}${zone}`
  }
  if (logical === 'decimal' && kind === 'bytes') return bytes => decimalText(bytes.take(bytes.size()), scale)
  if (logical === 'decimal' && kind === 'fixed') return bytes => decimalText(bytes.take(type.size), scale)
  if (logical === 'uuid' && kind === 'fixed' && type.size === 16)
    return bytes =>
      bytes
        .take(16)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return undefined
}

const timestampDigits: ReadonlyMap<string, number> = new Map([
  ['millis', 3],
  ['micros', 6],
  ['nanos', 9],
])

const dayMilliseconds = 86_400_000
/** The last day that a date of JavaScript holds. */
const dayMax = 100_000_000

/** Returns a day as `2024-01-31`; one that is too far away as its number, which no date is. */
function dayText(days: number | bigint): string {
  if (Math.abs(Number(days)) > dayMax) return String(days)
  return new Date(Number(days) * dayMilliseconds).toISOString().slice(0, -14).replace(/^\+0*/, '')
}

/** Returns the time since midnight, in units of so many digits of a second. */
function timeText(units: number, digits: number): string {
  if (units < 0) return String(units)
  const second = 10 ** digits
  const seconds = Math.floor(units / second)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(seconds % 60)}${fraction(units % second, digits)}`
}

const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** Keeps the text of the last day, which neighbours often share: it takes longer than all else. */
function rememberedDay(): typeof dayText {
  let last: number | bigint | undefined
  let text = ''
  return days => {
    if (days !== last) text = dayText(days)
    last = days
    return text
  }
}

function timestampText(units: number | bigint, digits: number, textOfDay: typeof dayText): string {
  const day = 86_400 * 10 ** digits
  const rest = typeof units === 'number' ? units % day : Number(units % BigInt(day))
  const inDay = rest < 0 ? rest + day : rest
  const before = typeof units === 'number' ? units - inDay : units - BigInt(inDay)
  const days = typeof before === 'number' ? before / day : before / BigInt(day)
  return `${textOfDay(days)}T${timeText(inDay, digits)}`
}

const fraction = (units: number, digits: number): string =>
  units === 0 ? '' : `.${String(units).padStart(digits, '0').replace(/0+$/, '')}`

/** Bytes of the longest decimal: far more than the 38 digits that a column has. */
const decimalBytesMax = 1024

/** Returns a two's complement number with so many digits after its point. */
function decimalText(bytes: Buffer, scale: number): string {
  if (bytes.length === 0) return '0'
  if (bytes.length > decimalBytesMax)
    throw invalidInput(`a decimal of at most ${decimalBytesMax} bytes`, `one of ${bytes.length} bytes`)
  const unsigned = BigInt(`0x${bytes.toString('hex')}`)
  const value = BigInt.asIntN(8 * bytes.length, unsigned)
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${value < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`
}
