/** Texts of JavaScript for the engine, which has UTF-8: no half of a surrogate pair. */
import { expect, UnfitValue } from './unfit-value.ts'

/** Returns a text for a vector, for which the engine would otherwise write another character. @throws UnfitValue */
export function toText(value: unknown): string {
  expect(value, typeof value === 'string', 'a string')
  const text = value as string
  if (text.isWellFormed()) return text
  const what = 'expected a text of whole characters, got half of a surrogate pair'
  throw new UnfitValue(
    `${what}, as slice() leaves of an emoji; cut it elsewhere, or use toWellFormed()`,
    text.slice(0, 200),
  )
}

/** Whether a value is a text in JSON that the engine reads again. */
export function isJson(value: unknown): boolean {
  try {
    return (
      typeof value === 'string' &&
      value.isWellFormed() &&
      JSON.parse(value, surrogate.test(value) ? refuseHalf : undefined) !== undefined
    )
  } catch {
    return false
  }
}

/** Matches the escape of half of a pair, which the engine writes, but does not read. */
const surrogate = /\\u[dD][89a-fA-F]/

/** @throws SyntaxError for a key or a text with half of a surrogate pair */
function refuseHalf(key: string, value: unknown): unknown {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value
  throw new SyntaxError('half of a surrogate pair')
}
