/** Finds numbers that are written with a currency, a percent sign or parentheses. */
import { candidatesOf } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'

/** A text with a number, and what is written around it. */
interface Amount {
  /** The number with its sign: `-1,234.50`. */
  readonly number: string
  readonly currency: string | undefined
  readonly isPercent: boolean
  readonly isParted: boolean
}

const spaces = ' \\u00a0\\u202f'
const money = '\\p{Lu}{0,3}\\p{Sc}|[A-Z]{3}'
const digits = `[.,\\d](?:[.,\\d]|[${spaces}](?=\\d))*`
const amountPattern = new RegExp(
  `^(\\(?)([+-]?)(${money})?[${spaces}]?([+-]?)(\\(?)(${digits})(\\)?)[${spaces}]?(%|${money})?(\\)?)$`,
  'u',
)
/** Codes that are rarely anything else: `TOP 10` and `PEN 3` may be no amounts. */
const currencyCodes: ReadonlySet<string> = new Set(
  'AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF INR JPY KRW MXN NOK NZD PLN SEK SGD USD ZAR'.split(' '),
)

function amountOf(text: string): Amount | undefined {
  const [all, opened, sign, before, innerSign, innerOpened, number = '', innerClosed, after, closed] =
    amountPattern.exec(text) ?? []
  if (all === undefined) return undefined
  const isPercent = after === '%'
  const currencies = [before, isPercent ? undefined : after].filter(each => each !== undefined)
  const [currency] = currencies
  if (currencies.length + Number(isPercent) > 1) return undefined
  if (currency !== undefined && /^[A-Z]{3}$/.test(currency) && !currencyCodes.has(currency)) return undefined
  const marks = `${opened}${innerOpened}${innerClosed}${closed}`
  const signs = `${sign}${innerSign}`
  if (!['', '()'].includes(marks) || signs.length > 1 || (marks !== '' && signs !== '')) return undefined
  return { number: signs + number, currency, isPercent, isParted: marks !== '' }
}

/**
 * Returns the column of texts that are all amounts in one currency, percentages, or numbers of which the negative ones are in parentheses;
 * undefined for others. Where the numbers may be read in two ways, the column is a string whose note says so.
 */
export function inferAmounts(texts: Iterable<string>): InferredColumn | undefined {
  const amounts: Amount[] = []
  for (const text of texts) {
    const amount = amountOf(text)
    if (!amount) return undefined
    amounts.push(amount)
  }
  const writing = writingOf(amounts)
  const column = writing && numberColumn(amounts.map(({ number }) => number))
  if (!column || column.type === 'string') return column
  return { ...column, ...writing, type: writing.percent ? 'float64' : column.type }
}

/** Returns what is written around all of these numbers; undefined where it is nothing, or may mean something else. */
function writingOf(
  amounts: readonly Amount[],
): Pick<InferredColumn, 'currency' | 'percent' | 'parentheses'> | undefined {
  const currencies = new Set(amounts.flatMap(({ currency }) => currency ?? []))
  const lacksCurrency = ({ currency, number }: Amount): boolean => currency === undefined && /[1-9]/.test(number)
  const percents = amounts.filter(({ isPercent }) => isPercent).length
  const parted = amounts.filter(({ isParted }) => isParted).length
  const hasMinus = amounts.some(({ number }) => number.startsWith('-'))
  if (currencies.size > 1 || (currencies.size === 1 && amounts.some(lacksCurrency))) return undefined
  if (percents > 0 && percents < amounts.length) return undefined
  if (parted > 0 && (parted === amounts.length || hasMinus)) return undefined
  if (currencies.size + percents + parted === 0) return undefined
  return {
    ...(currencies.size > 0 && { currency: [...currencies] }),
    ...(parted > 0 && { parentheses: true }),
    ...(percents > 0 && { percent: true }),
  }
}

const unclear =
  'numbers whose separator stands before decimals or between thousands: write column.float64 with decimalSeparator, or with thousandsSeparator'

const spaced = /^[+-]?(\d{1,3}(\s\d{3})*|\d+)(,\d+)?$/

/** Returns the type and the separators of numbers; a string where they may be read in two ways, undefined where they are identifiers. */
function numberColumn(numbers: readonly string[]): InferredColumn | undefined {
  const isSpaced = numbers.some(number => /\s/.test(number))
  if (isSpaced && !numbers.every(number => spaced.test(number))) return undefined
  const candidates = candidatesOf(numbers.map(number => number.replaceAll(/\s/g, '')))
  const fitting = candidates.filter(({ type }) => type === 'int64' || type === 'float64')
  const [first] = fitting
  const isWhole = first?.type === 'int64' && first.thousandsSeparator === undefined
  const points = new Set(fitting.map(({ decimalSeparator = '.' }) => decimalSeparator))
  if (points.size > 1 && !isWhole) return { type: 'string', note: unclear }
  return first && { ...first, ...(isSpaced && { thousandsSeparator: ' ' }) }
}
