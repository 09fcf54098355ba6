/** Rewrites the text of a column, written as its options say, to the plain text that the engine converts, as SQL. */
import type { ColumnDefinition } from '../../../define/definition.ts'
import { escapeRegExp } from '../../../define/template-syntax.ts'
import { quoteText } from '../../../duckdb/quote.ts'

/** Whether the engine reads the text of a column as it stands. */
export const isPlain = (column: ColumnDefinition): boolean =>
  !column.trim && !column.nullValues?.length && writingOf(column) === undefined

/** Returns the text that the engine converts, null for null texts. */
export const readableText = (column: ColumnDefinition, text: string): string =>
  plainText(column, nullableText(column, text))

/** Returns the text without white space around it, null for the column's null texts. */
export function nullableText(column: ColumnDefinition, text: string, isBytes = false): string {
  const trimmed = column.trim && !isBytes ? trimmedText(text) : text
  if (!column.nullValues?.length) return trimmed
  const nulls = column.nullValues.map(quoteText).map(each => (isBytes ? `encode(${each})` : each))
  // The test for null makes the text stand an odd number of times, for the reason that `raiseMisfit` has.
  return `CASE WHEN ${trimmed} IS NULL THEN NULL WHEN ${trimmed} IN (${nulls.join(', ')}) THEN NULL ELSE ${trimmed} END`
}

const whiteSpace = quoteText(' \t\r\n\u00a0')

/** A quoted empty field stays an empty text. */
const trimmedText = (text: string): string =>
  `CASE WHEN ${text} = '' THEN ${text} ELSE nullif(trim(${text}, ${whiteSpace}), '') END`

/**
 * Returns the plain text: `1234.5` of `1.234,50 €`, `true` of a word for true, a number of seconds of `25:35:00`. A text that
 * is not written as the options say becomes one that does not convert.
 */
export function plainText(column: ColumnDefinition, text: string): string {
  const writing = writingOf(column)
  if (!writing) return text
  const cases = writing.cases(text).map(([condition, value]) => `WHEN ${condition} THEN ${value}`)
  return `CASE ${cases.join(' ')} ELSE '? ' || ${text} END`
}

/** Returns how the text must be written, for the `expected` of a reject; empty where no option says so. */
export function writtenAs(column: ColumnDefinition): string {
  const { format } = column
  if (format !== undefined) return ` as ${typeof format === 'string' ? format : format.join(' or ')}`
  return writingOf(column)?.example ?? ''
}

interface Writing {
  /** Conditions on a text, each with the plain text where it is met, as SQL. */
  cases(text: string): readonly (readonly [condition: string, value: string])[]
  readonly example: string
}

function writingOf(column: ColumnDefinition): Writing | undefined {
  if (column.true && column.false) return wordWriting(column.true, column.false)
  if (column.duration) return durationWriting(column.duration)
  const { decimalSeparator, thousandsSeparator, currency, parentheses, percent } = column
  const isWritten = decimalSeparator ?? thousandsSeparator ?? currency ?? (parentheses || percent || undefined)
  return isWritten === undefined ? undefined : numberWriting(column)
}

const wordWriting = (yes: readonly string[], no: readonly string[]): Writing => ({
  cases: text => [
    [`${text} IN (${yes.map(quoteText).join(', ')})`, "'true'"],
    [`${text} IN (${no.map(quoteText).join(', ')})`, "'false'"],
  ],
  example: ` as ${[...yes, ...no].join(', ')}`,
})

/** Digits of a fraction of a second that each unit has. */
const unitDigits = { seconds: 0, milliseconds: 3, microseconds: 6 } as const

function durationWriting(unit: keyof typeof unitDigits): Writing {
  const digits = unitDigits[unit]
  const pattern = quoteText('([+-]?)(\\d{1,7}):([0-5]\\d):([0-5]\\d)(?:[.](\\d{1,9}))?')
  return {
    cases: text => {
      const group = (index: number): string => `regexp_extract(${text}, ${pattern}, ${index})`
      const number = (index: number): string => `TRY_CAST(${group(index)} AS BIGINT)`
      const seconds = `${number(2)} * 3600 + ${number(3)} * 60 + ${number(4)}`
      const whole = `CAST(${seconds} AS VARCHAR) || left(rpad(${group(5)}, 9, '0'), ${digits})`
      const rest = `rtrim(substring(rpad(${group(5)}, 9, '0'), ${digits + 1}), '0')`
      const value = `${group(1)} || ${whole} || CASE WHEN ${rest} = '' THEN '' ELSE '.' || ${rest} END`
      return [[`regexp_full_match(${text}, ${pattern})`, value]]
    },
    example: ' as H:MM:SS',
  }
}

function numberWriting(column: ColumnDefinition): Writing {
  const { decimalSeparator: point = '.', thousandsSeparator, currency = [], percent } = column
  const signs = currency.toSorted((a, b) => b.length - a.length).map(escapeRegExp)
  const sign = signs.length > 0 ? `(?:${signs.join('|')})` : ''
  const grouping = thousandsSeparator === undefined ? '' : `[${groupingClass(thousandsSeparator)}]`
  const isFloat = column.type.startsWith('float')
  const whole = grouping === '' ? '\\d+' : `(?:\\d+|\\d{1,3}(?:${grouping}\\d{2,3})*${grouping}\\d{3})`
  const isWhole = column.type.includes('int')
  const fraction = isWhole ? whole : `(?:${whole}(?:${escapeRegExp(point)}\\d*)?|${escapeRegExp(point)}\\d+)`
  const number = isFloat && !percent ? `${fraction}(?:[eE][+-]?\\d+)?` : fraction
  const full = quoteText(
    fullPattern(number, { sign, isPercent: percent === true, isParted: column.parentheses === true }),
  )
  const toPlain = (text: string): string => {
    const bare = sign === '' ? text : `regexp_replace(${text}, ${quoteText(sign)}, '')`
    const ungrouped = `regexp_replace(${bare}, ${quoteText(`[${groupingClass(thousandsSeparator ?? ' ')}${spaces}]`)}, '', 'g')`
    const pointed = point === '.' ? ungrouped : `replace(${ungrouped}, ${quoteText(point)}, '.')`
    const signed = column.parentheses ? `replace(replace(${pointed}, '(', '-'), ')', '')` : pointed
    return percent ? hundredth(`replace(${signed}, '%', '')`) : signed
  }
  return {
    cases: text => [[`regexp_full_match(${text}, ${full})`, toPlain(text)]],
    example: ` as ${exampleOf(column)}`,
  }
}

/** A space, a no-break space and a narrow no-break space. */
const spaces = ' \\x{a0}\\x{202f}'
const groupingClass = (separator: string): string => (separator.trim() === '' ? spaces : escapeRegExp(separator))

function fullPattern(
  number: string,
  { sign, isPercent, isParted }: { readonly sign: string; readonly isPercent: boolean; readonly isParted: boolean },
): string {
  const space = `[${spaces}]?`
  const unit = isPercent ? `${space}%` : ''
  const amount = sign === '' ? `${number}${unit}` : `(?:${sign}${space}${number}|${number}(?:${space}${sign})?)`
  const forms = [
    `[+-]?${amount}`,
    ...(sign === '' ? [] : [`${sign}${space}[+-]${number}`]),
    ...(isParted ? [`\\(${amount}\\)`] : []),
    ...(isParted && isPercent ? [`\\(${number}\\)${unit}`] : []),
    ...(isParted && sign !== '' ? [`${sign}${space}\\(${number}\\)`] : []),
  ]
  return forms.map(form => `(?:${form})`).join('|')
}

/** Moves the point of a plain number two digits to the left, which loses none, as a division would. */
function hundredth(text: string): string {
  const padded = String.raw`regexp_replace(${text}, '^([+-]?)', '\100')`
  return String.raw`regexp_replace(${padded}, '^([+-]?\d*)(\d\d)(?:[.](\d*))?$', '\1.\2\3')`
}

function exampleOf({
  type,
  decimalSeparator = '.',
  thousandsSeparator = '',
  currency,
  percent,
}: ColumnDefinition): string {
  const fraction = type.includes('int') ? '' : `${decimalSeparator}5`
  if (percent) return `12${fraction}%`
  return `${currency?.[0] ?? ''}1${thousandsSeparator}234${fraction}`
}
