/** Reads a parameter's value, in the same way from a default, a command line and a path. */

import type { ParamDefinition, ParamValue } from '../definition.ts'
import { dayCount } from './calendar.ts'

export type ReadParam = { readonly value: ParamValue } | { readonly expected: string }

/** Returns the value in its normal form, from a text or a typed value, or what was expected instead. */
export function readParamValue(param: ParamDefinition, given: unknown): ReadParam {
  const read = readers[param.type](given, param)
  if ('expected' in read || param.validate === undefined) return read
  const verdict = (param.validate as (value: ParamValue) => boolean | string)(read.value)
  if (verdict === true) return read
  return { expected: typeof verdict === 'string' ? verdict : 'a value that its validate accepts' }
}

type Reader = (given: unknown, param: ParamDefinition) => ReadParam

const readers: Record<ParamDefinition['type'], Reader> = {
  string: given => (typeof given === 'string' ? { value: given } : { expected: 'a string' }),
  integer: given => readNumber(given, /^[+-]?\d+$/, Number.isSafeInteger, 'a whole number between ±9007199254740991'),
  float64: given => readNumber(given, /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, Number.isFinite, 'a number'),
  boolean: readBoolean,
  date: given => readCalendar(given, /^(\d{4})-(\d\d)-(\d\d)$/, 'a calendar date YYYY-MM-DD', 10),
  month: given => readCalendar(given, /^(\d{4})-(\d\d)$/, 'a month YYYY-MM', 7),
  timestamp: readTimestamp,
  enumeration: (given, { values = [] }) =>
    typeof given === 'string' && values.includes(given)
      ? { value: given }
      : { expected: `one of ${values.join(', ')}` },
}

function readNumber(given: unknown, syntax: RegExp, fits: (value: number) => boolean, expected: string): ReadParam {
  const value = typeof given === 'string' && syntax.test(given) ? Number(given) : given
  return typeof value === 'number' && fits(value) ? { value: value === 0 ? 0 : value } : { expected }
}

function readBoolean(given: unknown): ReadParam {
  if (typeof given === 'boolean') return { value: given }
  const word = typeof given === 'string' ? given.toLowerCase() : ''
  if (['true', '1', 'yes'].includes(word)) return { value: true }
  if (['false', '0', 'no'].includes(word)) return { value: false }
  return { expected: 'true or false (1 or 0, yes or no)' }
}

function readCalendar(given: unknown, syntax: RegExp, expected: string, length: number): ReadParam {
  const text = given instanceof Date && !Number.isNaN(given.getTime()) ? given.toISOString().slice(0, length) : given
  const match = typeof text === 'string' ? syntax.exec(text) : null
  if (match === null || !isCalendarDate(Number(match[1]), Number(match[2]), Number(match[3] ?? 1))) return { expected }
  return { value: match[0] }
}

const timestampSyntax = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z|[+-]\d\d:?\d\d)?$/i
const timestampExpected = 'an ISO timestamp such as 2024-01-31T12:00:00Z'

/** Returns the instant in UTC, with milliseconds only when they are not zero. Without a zone it is taken as UTC. */
function readTimestamp(given: unknown): ReadParam {
  if (given instanceof Date) return sayInstant(given.getTime())
  const match = typeof given === 'string' ? timestampSyntax.exec(given) : null
  if (match === null || !isCalendarDate(Number(match[1]), Number(match[2]), Number(match[3])))
    return { expected: timestampExpected }
  const [hour = 0, minute = 0, second = 0] = match.slice(4, 7).map(digits => Number(digits ?? 0))
  if (hour > 23 || minute > 59 || second > 59) return { expected: timestampExpected }
  const milliseconds = Number((match[7] ?? '').padEnd(3, '0'))
  const local = Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`)
  const clock = ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds
  return sayInstant(local + clock - zoneOffset(match[8] ?? 'Z'))
}

function sayInstant(epoch: number): ReadParam {
  const text = Number.isNaN(epoch) ? '' : new Date(epoch).toISOString()
  return /^\d{4}-/.test(text) ? { value: text.replace('.000Z', 'Z') } : { expected: timestampExpected }
}

function zoneOffset(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}

const isCalendarDate = (year: number, month: number, day: number): boolean =>
  year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= dayCount(year, month)
