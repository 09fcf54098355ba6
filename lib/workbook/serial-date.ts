/** Writes the numbers of cells: dates as Excel counts them, durations, and plain numbers. */

const dayMs = 86_400_000
/** Days from 1970-01-01 to the day before the first one of each system. */
const epoch1900 = Date.UTC(1899, 11, 31)
const epoch1904 = Date.UTC(1904, 0, 1)
/** 9999-12-31 in days of 1900. */
const lastDay = 2_958_465
/** Excel counts 1900-02-29, which never was. */
const noDay = 60

/**
 * Returns a day such as `2024-01-31`, with its time where it has one, or a time alone for a part of a day. Returns undefined for numbers
 * that are no date. Times are rounded to milliseconds, the most that Excel shows.
 */
export function dateText(serial: number, is1904: boolean): string | undefined {
  if (!(serial >= 0)) return undefined
  const ms = Math.round(serial * dayMs)
  const days = Math.floor(ms / dayMs)
  const time = timeText(ms - days * dayMs)
  if (serial < 1 && days === 0 && !(is1904 && ms === 0)) return time
  if (days > lastDay || (!is1904 && (days === 0 || days === noDay))) return undefined
  const since = is1904 ? days : days - (days > noDay ? 1 : 0)
  const date = new Date((is1904 ? epoch1904 : epoch1900) + since * dayMs).toISOString()
  if (!/^\d{4}-/.test(date)) return undefined
  const day = date.slice(0, 10)
  return ms === days * dayMs ? day : `${day} ${time}`
}

/** Returns a duration in hours, minutes and seconds, such as `36:00:00`. */
export function durationText(serial: number): string | undefined {
  const ms = Math.round(Math.abs(serial) * dayMs)
  return Number.isSafeInteger(ms) ? `${serial < 0 && ms > 0 ? '-' : ''}${timeText(ms)}` : undefined
}

function timeText(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const fraction = ms % 1000 === 0 ? '' : `.${String(ms % 1000).padStart(3, '0')}`
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${fraction}`
}

/** Returns the number that decimal digits write; NaN for all else that JavaScript takes for a number, such as a space or `0x10`. */
export const plainNumber = (written: string): number =>
  /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(written) ? Number(written) : Number.NaN

/**
 * Returns a number with the digits that it needs and without an exponent. Excel keeps 64-bit floats, and writes 19.99 as
 * `19.989999999999998`. Whole numbers stay as they are written.
 */
export function numberText(written: string): string {
  if (/^-?\d+$/.test(written)) return written
  const value = plainNumber(written)
  if (!Number.isFinite(value)) return written
  return withoutExponent(String(value))
}

function withoutExponent(text: string): string {
  const [, sign = '', whole = '', decimals = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (exponent === undefined) return text
  const digits = whole + decimals
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}${point < digits.length ? `.${digits.slice(point)}` : ''}`
}
