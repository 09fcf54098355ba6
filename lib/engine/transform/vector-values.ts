/** JavaScript values in and out of the engine's vectors, one function a type, as the row types of definitions promise. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  type DuckDBListType,
  type DuckDBListValue,
  type DuckDBStructType,
  type DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBVector,
  listValue,
  structValue,
} from '@duckdb/node-api'
import { isJson, toText } from './text-values.ts'
import { expect, textOf, UnfitValue } from './unfit-value.ts'

export type ReadValue = (vector: DuckDBVector, row: number) => unknown
/** Converts a value for the vector. @throws UnfitValue */
export type ToVector = (value: unknown) => DuckDBValue
type FromVector = (value: DuckDBValue) => unknown

/** Returns the function that reads values of a type from its vectors. */
export function valueReader(type: DuckDBType): ReadValue {
  const convert = fromVector(type)
  if (convert === undefined) return (vector, row) => vector.getItem(row)
  return (vector, row) => {
    const item = vector.getItem(row)
    return item === null ? null : convert(item)
  }
}

/** Whether two values that readers returned are equal. Values of types that JavaScript lacks are objects of the engine. */
export function isSameValue(value: unknown, own: unknown): boolean {
  if (Object.is(value, own)) return true
  if (typeof value !== 'object' || typeof own !== 'object' || value === null || own === null) return false
  if (value instanceof Date && own instanceof Date) return value.getTime() === own.getTime()
  if (value instanceof Uint8Array && own instanceof Uint8Array) return Buffer.compare(value, own) === 0
  if (Object.getPrototypeOf(value) !== Object.getPrototypeOf(own)) return false
  const fields = Object.entries(value)
  const others = own as Readonly<Record<string, unknown>>
  return fields.length === Object.keys(own).length && fields.every(([name, field]) => isSameValue(field, others[name]))
}

/** Returns the function that converts values for vectors of a type; null and undefined are null. */
export function valueWriter(type: DuckDBType): ToVector {
  const convert = toVector(type)
  return value => (value === null || value === undefined ? null : convert(value))
}

function fromVector(type: DuckDBType): FromVector | undefined {
  switch (type.typeId) {
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.TIME:
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UUID:
      return value => String(value)
    case DuckDBTypeId.BLOB:
      return value => Uint8Array.from((value as DuckDBBlobValue).bytes)
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_TZ:
      return value => new Date(wholeQuotient((value as DuckDBTimestampValue).micros, 1000n))
    case DuckDBTypeId.TIMESTAMP_NS:
      return value => new Date(wholeQuotient((value as DuckDBTimestampNanosecondsValue).nanos, 1_000_000n))
    case DuckDBTypeId.TIMESTAMP_MS:
      return value => new Date(Number((value as DuckDBTimestampMillisecondsValue).millis))
    case DuckDBTypeId.TIMESTAMP_S:
      return value => new Date(Number((value as DuckDBTimestampSecondsValue).seconds) * 1000)
    case DuckDBTypeId.LIST: {
      const inner = fromVector((type as DuckDBListType).valueType) ?? (item => item)
      return value => (value as DuckDBListValue).items.map(item => (item === null ? null : inner(item)))
    }
    case DuckDBTypeId.STRUCT:
      return structReader(type as DuckDBStructType)
    default:
      return undefined
  }
}

/** Divides and rounds down; a number would not hold the microseconds of years after 2255. */
function wholeQuotient(value: bigint, divisor: bigint): number {
  const quotient = value / divisor
  return Number(quotient * divisor > value ? quotient - 1n : quotient)
}

function structReader({ entryNames, entryTypes }: DuckDBStructType): FromVector {
  const fields = entryNames.map((name, index) => [name, fromVector(entryTypes[index] as DuckDBType)] as const)
  return value => {
    const { entries } = value as DuckDBStructValue
    const read = fields.map(([name, convert]) => {
      const own = entries[name] ?? null
      return [name, own === null || !convert ? own : convert(own)]
    })
    return Object.fromEntries(read)
  }
}

function structWriter({ entryNames, entryTypes }: DuckDBStructType): ToVector {
  const fields = entryNames.map((name, index) => [name, valueWriter(entryTypes[index] as DuckDBType)] as const)
  return value => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const given = expect(value, isObject, 'an object') as unknown as Readonly<Record<string, unknown>>
    const other = Object.keys(given).find(name => !entryNames.includes(name))
    if (other !== undefined)
      throw new UnfitValue(`expected an object of ${entryNames.join(', ')}, got one with ${other}`)
    return structValue(Object.fromEntries(fields.map(([name, write]) => [name, write(given[name])])))
  }
}

const integers: Partial<Record<DuckDBTypeId, readonly [number, number]>> = {
  [DuckDBTypeId.TINYINT]: [-128, 127],
  [DuckDBTypeId.SMALLINT]: [-32768, 32767],
  [DuckDBTypeId.INTEGER]: [-2147483648, 2147483647],
  [DuckDBTypeId.UTINYINT]: [0, 255],
  [DuckDBTypeId.USMALLINT]: [0, 65535],
  [DuckDBTypeId.UINTEGER]: [0, 4294967295],
}

function toVector(type: DuckDBType): ToVector {
  const range = integers[type.typeId]
  if (range) return value => expect(value, isInteger(value, range), `an integer from ${range[0]} to ${range[1]}`)
  switch (type.typeId) {
    case DuckDBTypeId.BIGINT:
      return value => toBigint(value, each => BigInt.asIntN(64, each) === each, 'a bigint of 64 bits or a safe integer')
    case DuckDBTypeId.UBIGINT:
      return value =>
        toBigint(
          value,
          each => BigInt.asUintN(64, each) === each,
          'a bigint of 64 bits or a safe integer, not negative',
        )
    case DuckDBTypeId.FLOAT:
      return value => expect(value, typeof value === 'number' && !isBeyondFloat(value), 'a number of 32 bits')
    case DuckDBTypeId.DOUBLE:
      return value => expect(value, typeof value === 'number', 'a number')
    case DuckDBTypeId.BOOLEAN:
      return value => expect(value, typeof value === 'boolean', 'a boolean')
    case DuckDBTypeId.VARCHAR:
      return type.alias === 'JSON' ? value => expect(value, isJson(value), 'a text in JSON') : toText
    default:
      return toStructured(type)
  }
}

function toStructured(type: DuckDBType): ToVector {
  switch (type.typeId) {
    case DuckDBTypeId.BLOB:
      // Copied, because the function may use its memory for the next row, before the vector is written.
      return value =>
        new DuckDBBlobValue(
          Uint8Array.from(expect(value, value instanceof Uint8Array, 'a Uint8Array') as unknown as Uint8Array),
        )
    case DuckDBTypeId.DATE:
      return value => toDate(value)
    case DuckDBTypeId.TIME:
      return value => toTime(value)
    case DuckDBTypeId.TIMESTAMP:
      return value => new DuckDBTimestampValue(micros(value))
    case DuckDBTypeId.TIMESTAMP_TZ:
      return value => new DuckDBTimestampTZValue(micros(value))
    case DuckDBTypeId.TIMESTAMP_NS:
      return value => new DuckDBTimestampNanosecondsValue(micros(value) * 1000n)
    case DuckDBTypeId.TIMESTAMP_MS:
      return value => new DuckDBTimestampMillisecondsValue(wholeUnits(value, 1000n, 'milliseconds'))
    case DuckDBTypeId.TIMESTAMP_S:
      return value => new DuckDBTimestampSecondsValue(wholeUnits(value, 1_000_000n, 'seconds'))
    case DuckDBTypeId.DECIMAL:
      return value => toDecimal(value, type as unknown as { width: number; scale: number })
    case DuckDBTypeId.LIST: {
      const inner = valueWriter((type as DuckDBListType).valueType)
      return value => listValue((expect(value, Array.isArray(value), 'an array') as unknown as unknown[]).map(inner))
    }
    case DuckDBTypeId.STRUCT:
      return structWriter(type as DuckDBStructType)
    default:
      return () => {
        throw new UnfitValue(
          `expected the value unchanged, as JavaScript has no values of type ${String(type)}; change it in sql`,
        )
      }
  }
}

const isBeyondFloat = (value: number): boolean => Number.isFinite(value) && !Number.isFinite(Math.fround(value))

const isInteger = (value: unknown, [low, high]: readonly [number, number]): boolean =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high

function toBigint(value: unknown, isInRange: (value: bigint) => boolean, expected: string): bigint {
  const whole = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined
  expect(value, whole !== undefined && isInRange(whole), expected)
  return whole ?? 0n
}

const dayMillis = 86_400_000

/** A Date with a time is refused: midnight of another zone would be written as the day before or after. */
function toDate(value: unknown): DuckDBDateValue {
  const isMidnight = value instanceof Date && value.getTime() % dayMillis === 0
  const text = isMidnight ? value.toISOString().slice(0, 10) : value
  expect(value, isDay(text), 'a date such as 2001-01-31, or a Date at midnight UTC')
  return new DuckDBDateValue(Date.parse(String(text)) / dayMillis)
}

/** Whether a text is a day that exists: JavaScript reads the 30th of February as a day of March. */
function isDay(text: unknown): boolean {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(text)) return false
  const millis = Date.parse(text)
  return !Number.isNaN(millis) && new Date(millis).toISOString().startsWith(text)
}

function toTime(value: unknown): DuckDBTimeValue {
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6}))?)?$/.exec(textOf(value))
  expect(value, match !== null, 'a time such as 23:59:58.5')
  const [, hours = 0, minutes = 0, seconds = 0, fraction = ''] = match ?? []
  const total = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  return new DuckDBTimeValue(BigInt(total) * 1_000_000n + BigInt(fraction.padEnd(6, '0')))
}

function micros(value: unknown): bigint {
  if (value instanceof Date) {
    expect(value, !Number.isNaN(value.getTime()), 'a Date that is valid')
    return BigInt(value.getTime()) * 1000n
  }
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(textOf(value))
  expect(value, match !== null && isDay(match[1]), 'a Date or an ISO 8601 text')
  // Without a zone it is UTC, not the zone of this machine.
  const [, day = '', time = '00:00', zone = 'Z'] = match ?? []
  return BigInt(Date.parse(`${day}T00:00${zone}`)) * 1000n + toTime(time).micros
}

function wholeUnits(value: unknown, unitMicros: bigint, units: string): bigint {
  const total = micros(value)
  expect(value, total % unitMicros === 0n, `a time of whole ${units}`)
  return total / unitMicros
}

function toDecimal(value: unknown, { width, scale }: { width: number; scale: number }): DuckDBDecimalValue {
  const match = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?$/.exec(textOf(value))
  const fraction = (match?.[3] ?? '').replace(/0+$/, '')
  const fits = match !== null && fraction.length <= scale && (match[2] ?? '').replace(/^0+/, '').length <= width - scale
  expect(value, fits, `a decimal with at most ${width} digits, ${scale} after the point`)
  const digits = BigInt(`${match?.[2] || '0'}${fraction.padEnd(scale, '0')}`)
  return new DuckDBDecimalValue(match?.[1] === '-' ? -digits : digits, width, scale)
}
