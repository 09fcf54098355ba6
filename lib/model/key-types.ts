/** The common types of the columns by which rows are joined: values that are equal must have equal hashes. */
import { PermanentError } from '../errors/errors.ts'
import type { SchemaColumn } from './outcome/manifest.ts'
import { typeName } from './type-names.ts'

/** Returns the engine's types to which the pairs of columns are converted. @throws DEFINITION_INVALID for types that cannot be compared */
export function keyTypes(pairs: readonly (readonly [left: SchemaColumn, right: SchemaColumn])[]): readonly string[] {
  return pairs.map(([left, right]) => {
    const type = commonType(left.type, right.type)
    if (type !== undefined) return type
    const message = `joinOf: on: expected columns whose values can be equal, got ${left.name} (${typeName(left.type)}) and ${right.name} (${typeName(right.type)}); convert one of them in the task that writes it`
    throw new PermanentError('DEFINITION_INVALID', message, { left: { ...left }, right: { ...right } })
  })
}

function commonType(left: string, right: string): string | undefined {
  if (left === right) return left
  const integer = commonInteger(left, right)
  if (integer !== undefined) return integer
  const [one, other] = [decimalOf(left), decimalOf(right)]
  if (one && other) return commonDecimal(one, other)
  // As SQL compares them: as a DOUBLE, the 0.1 of 32 bits would not be the decimal 0.1.
  if ([left, right].includes('FLOAT') && [left, right].some(isDecimal)) return 'FLOAT'
  if (isNumber(left) && isNumber(right)) return 'DOUBLE'
  // A date and a timestamp.
  return isTime(left) && isTime(right) ? 'TIMESTAMP' : undefined
}

/** Integer types, each after those whose values it holds. */
const signed = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT'] as const
const unsigned = ['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'] as const

/** Returns the integer type that holds the values of both; undefined where there is none, or one is no integer. */
function commonInteger(left: string, right: string): string | undefined {
  const places = [left, right].map(type => signed.indexOf(type as never))
  const others = [left, right].map(type => unsigned.indexOf(type as never))
  if (!places.some(at => at >= 0)) return others.every(at => at >= 0) ? unsigned[Math.max(...others)] : undefined
  if (places.some((at, index) => at < 0 && (others[index] as number) < 0)) return undefined
  // The next wider signed type holds the values of an unsigned one.
  return signed[Math.max(...places, ...others.map(at => (at < 0 ? at : at + 1)))]
}

interface Decimal {
  /** Digits before and after the point. */
  readonly whole: number
  readonly scale: number
}

const integerDigits: Readonly<Record<string, number>> = {
  ...{ TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 },
  ...{ UTINYINT: 3, USMALLINT: 5, UINTEGER: 10, UBIGINT: 20 },
}
const digitsMax = 38

function decimalOf(type: string): Decimal | undefined {
  const digits = integerDigits[type]
  if (digits !== undefined) return { whole: digits, scale: 0 }
  const found = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type)
  return found ? { whole: Number(found[1]) - Number(found[2]), scale: Number(found[2]) } : undefined
}

/** Returns a type that holds all values of both; undefined where there is none. */
function commonDecimal(one: Decimal, other: Decimal): string | undefined {
  const whole = Math.max(one.whole, other.whole)
  const scale = Math.max(one.scale, other.scale)
  return whole + scale <= digitsMax ? `DECIMAL(${whole + scale},${scale})` : undefined
}

const isDecimal = (type: string): boolean => type.startsWith('DECIMAL')
const isNumber = (type: string): boolean => type === 'FLOAT' || type === 'DOUBLE' || decimalOf(type) !== undefined

const isTime = (type: string): boolean => type === 'DATE' || type === 'TIMESTAMP'
