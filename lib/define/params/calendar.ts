/** Lists months and days, for the parameters of requirements. */
import { invalid, show } from '../check.ts'

/**
 * The twelve months of a year, as texts of `param.month`.
 * @example flights.each({ month: months(2001) })
 */
export function months(year: number | string): readonly string[] {
  const text = typeof year === 'number' ? String(year).padStart(4, '0') : year
  if (!/^(?!0000)\d{4}$/.test(text)) throw invalid('months', `expected a year such as 2001, got ${show(year)}`)
  return Array.from({ length: 12 }, (_, index) => `${text}-${String(index + 1).padStart(2, '0')}`)
}

/**
 * The days of a month, as texts of `param.date`.
 * @example flights.each({ day: days('2001-02') })
 */
export function days(month: string): readonly string[] {
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? []
  if (year === undefined || Number(year) === 0)
    throw invalid('days', `expected a month such as 2001-02, got ${show(month)}`)
  const length = dayCount(Number(year), Number(number))
  return Array.from({ length }, (_, index) => `${month}-${String(index + 1).padStart(2, '0')}`)
}

/** Returns the number of days of a month, from 1. */
export const dayCount = (year: number, month: number): number =>
  new Date(new Date(0).setUTCFullYear(year, month, 0)).getUTCDate()
