/** Values of JavaScript that a type of the engine cannot hold. */
import type { DuckDBValue } from '@duckdb/node-api'

/** A value that a type cannot hold; the message says what was expected. */
export class UnfitValue extends Error {
  /** The value as a text, which the message does not quote. */
  readonly received: string | undefined

  constructor(message: string, received?: string) {
    super(message)
    this.received = received
  }
}

/** Returns the value. @throws UnfitValue where it does not fit */
export function expect(value: unknown, fits: boolean, expected: string): DuckDBValue {
  if (fits) return value as DuckDBValue
  const isObject = typeof value === 'object' && value !== null
  const got = Array.isArray(value) ? 'an array' : `a value of type ${isObject ? tagOf(value) : typeof value}`
  const isShown = !isObject || value instanceof Date
  throw new UnfitValue(`expected ${expected}, got ${got}`, isShown ? String(value).slice(0, 200) : undefined)
}

/** Returns the class of an object of JavaScript, such as `Date`; `Object` for those of other classes. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

/** Returns a value as a text; that of an object without a prototype would throw. */
export const textOf = (value: unknown): string =>
  typeof value === 'object' && !(value instanceof Date) ? tagOf(value) : String(value)
