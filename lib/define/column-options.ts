/** The options of columns: how the text of each type may be written. */
import * as v from 'valibot'
import { invalid, options } from './check.ts'
import type { ColumnDefinition } from './definition.ts'
import { filledText, flag, oneOf, text, texts } from './schemas.ts'
import { ambiguousFormats, hasKnownSpecifiers } from './time-format.ts'

/** The options of every column type. */
export interface ColumnOptions<Required extends boolean = boolean> {
  /**
   * Whether a null makes the row a reject. The column is optional in Parquet all the same. Default false.
   * @example column.int64({ required: true })
   */
  readonly required?: Required
  /**
   * The names that the column may have in the file, in a header, in the keys of JSON or in Parquet. Its own name counts only
   * where it is among them. A file with two of them is refused, a JSON record with two is a reject. Default its own name.
   * @example column.string({ from: ['Province_State', 'Province/State'] })
   */
  readonly from?: string | readonly string[]
  /**
   * Removes white space around the text before it is read; a text of white space alone is then null. In Parquet, this and the
   * other options count where the file's column is a text. Default false.
   * @example column.string({ trim: true })
   */
  readonly trim?: boolean
  /**
   * Texts that are read as null, besides those of the format. In Parquet, they count where the file's column is a text.
   * Default none.
   * @example column.float64({ nullValues: ['-', 'n/a'] })
   */
  readonly nullValues?: readonly string[]
  /**
   * A description for people. Default none.
   * @example column.int32({ doc: 'minutes after the planned time' })
   */
  readonly doc?: string
}

/** The options of `boolean`. */
export interface BooleanColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * The texts that mean true, exactly as written; `false` is given too. Default `true`, `t`, `yes`, `y` and `1`, in any case.
   * @example column.boolean({ true: ['oui', 'O'], false: ['non', 'N'] })
   */
  readonly true?: readonly string[]
  /**
   * The texts that mean false, exactly as written; `true` is given too. Default `false`, `f`, `no`, `n` and `0`, in any case.
   * @example column.boolean({ true: ['1'], false: ['0', '-'] })
   */
  readonly false?: readonly string[]
}

/** The options of whole numbers. */
export interface IntegerColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * The character between groups of digits; a space also means a no-break space. Numbers may lack it. Default none.
   * @example column.int32({ thousandsSeparator: ',' })
   */
  readonly thousandsSeparator?: string
  /**
   * Currency signs that may stand before or after the number. Default none.
   * @example column.decimal(10, 2, { currency: ['€', 'EUR'] })
   */
  readonly currency?: string | readonly string[]
  /**
   * Whether a number in parentheses is negative: `(5)` is −5. Default false.
   * @example column.decimal(10, 2, { parentheses: true })
   */
  readonly parentheses?: boolean
  /**
   * Reads a duration or a time of day, written as `H:MM:SS` and also past `24:00:00`, as a number of this unit. Default none.
   * @example column.int32({ duration: 'seconds' })
   */
  readonly duration?: 'seconds' | 'milliseconds' | 'microseconds'
}

/** The options of `decimal`, `float32` and `float64`. */
export interface NumberColumnOptions<Required extends boolean = boolean> extends IntegerColumnOptions<Required> {
  /**
   * The character before the fraction. Default a point.
   * @example column.decimal(10, 2, { decimalSeparator: ',', thousandsSeparator: '.' })
   */
  readonly decimalSeparator?: string
  /**
   * Whether the text is a percentage, which must end in `%`: `12.5%` is 0.125. Default false.
   * @example column.decimal(6, 4, { percent: true })
   */
  readonly percent?: boolean
}

/** The options of `date`, `time`, `timestamp` and `timestamptz`. */
export interface TimeColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * How the text is written, in strptime's specifiers; several where files differ, of which the first that fits counts. Two that
   * could read one text differently, as `%d/%m/%Y` and `%m/%d/%Y`, are refused. Default ISO 8601.
   * @example column.timestamp({ format: ['%m/%d/%Y %H:%M', '%Y-%m-%dT%H:%M:%S'] })
   */
  readonly format?: string | readonly string[]
}

const oneOrMore = <Each extends v.GenericSchema<string>>(each: Each, expected: string) =>
  v.union([each, v.pipe(v.array(each, expected), v.nonEmpty(expected))], expected)

const commonEntries = {
  required: v.optional(flag),
  from: v.optional(oneOrMore(filledText, 'a name in the file, or a list of them')),
  trim: v.optional(flag),
  nullValues: v.optional(texts),
  doc: v.optional(text),
}
const separator = v.pipe(
  text,
  v.check(each => each.length === 1 && !/[0-9+\-%()\r\n]/.test(each), 'one character that is no digit and no sign'),
)
const words = v.pipe(texts, v.nonEmpty('at least one word'))
const currencySign = v.pipe(
  filledText,
  v.check(each => !/[0-9+\-%()]/.test(each), 'currency signs without digits, parentheses or + - %'),
)
const integerEntries = {
  ...commonEntries,
  thousandsSeparator: v.optional(separator),
  currency: v.optional(oneOrMore(currencySign, 'a currency sign, or a list of them')),
  parentheses: v.optional(flag),
  duration: v.optional(oneOf(['seconds', 'milliseconds', 'microseconds'])),
}
const timeFormat = v.pipe(
  filledText,
  v.check(format => format.includes('%'), 'a strptime format such as %d/%m/%Y'),
  v.check(
    hasKnownSpecifiers,
    'a strptime format of the specifiers %Y %y %m %-m %b %B %d %-d %j %a %A %H %-H %I %p %M %S %f %g %n %z %Z and their like',
  ),
)

export const columnOptions = options(commonEntries)
export const booleanColumnOptions = options({ ...commonEntries, true: v.optional(words), false: v.optional(words) })
export const integerColumnOptions = options(integerEntries, { decimalSeparator: 'column.decimal or column.float64' })
export const numberColumnOptions = options({
  ...integerEntries,
  decimalSeparator: v.optional(separator),
  percent: v.optional(flag),
})
export const timeColumnOptions = options({
  ...commonEntries,
  format: v.optional(
    v.union([timeFormat, v.pipe(v.array(timeFormat), v.nonEmpty('at least one format'))], issue =>
      formatMessage(issue),
    ),
  ),
})

/** Names the fault of the format itself, where one text is given. */
function formatMessage(issue: v.UnionIssue<v.BaseIssue<unknown>>): string {
  const given = Array.isArray(issue.input) ? issue.input : [issue.input]
  const wrong = given.find(each => !v.safeParse(timeFormat, each).success)
  return v.safeParse(timeFormat, wrong).issues?.[0].message ?? 'a strptime format, or a list of them'
}

/** Returns the options of a column as its definition has them. @throws DEFINITION_INVALID when they contradict each other */
export function columnFields<Fields extends GivenFields>(subject: string, given: Fields): ColumnFields {
  const { from, format, currency, ...fields } = given
  const data = {
    ...fields,
    from: asList(from),
    format: Array.isArray(format) && format.length === 1 ? (format[0] as string) : format,
    currency: asList(currency),
  }
  const fault = faultOf(data)
  if (fault) throw invalid(`${subject}: ${fault.option}`, fault.message, { path: fault.option })
  return data
}

interface GivenFields extends Omit<ColumnFields, 'from' | 'currency'> {
  readonly from?: string | readonly string[] | undefined
  readonly currency?: string | readonly string[] | undefined
}
type ColumnFields = Partial<Omit<ColumnDefinition, 'kind' | 'type'>>

const asList = (given: string | readonly string[] | undefined): readonly string[] | undefined =>
  typeof given === 'string' ? [given] : given

function faultOf(column: ColumnFields): { readonly option: string; readonly message: string } | undefined {
  const { from, format, decimalSeparator = '.', thousandsSeparator, percent, currency, duration, parentheses } = column
  const twice = from?.find((name, index) => from.indexOf(name) !== index)
  if (twice !== undefined) return { option: 'from', message: `expected different names, got ${twice} twice` }
  const ambiguous = Array.isArray(format) ? ambiguousFormats(format) : undefined
  if (ambiguous)
    return {
      option: 'format',
      message: `expected formats that never read one text differently, got ${ambiguous.join(' and ')}; read the files of each by a task of its own`,
    }
  if (thousandsSeparator === decimalSeparator)
    return {
      option: 'thousandsSeparator',
      message: `expected another character than the decimal separator, got ${decimalSeparator}`,
    }
  if (percent && currency) return { option: 'percent', message: 'expected a percentage or a currency, got both' }
  if (duration && (thousandsSeparator || currency || percent || parentheses || column.decimalSeparator))
    return { option: 'duration', message: 'expected no options of written numbers with a duration, got both' }
  return wordFault(column)
}

function wordFault({ true: yes, false: no }: ColumnFields) {
  if (!yes && !no) return undefined
  if (!yes || !no)
    return { option: yes ? 'false' : 'true', message: 'expected the words of true and of false, got only one list' }
  const both = yes.find(word => no.includes(word))
  return both === undefined
    ? undefined
    : { option: 'true', message: `expected other words than those of false, got ${both} in both` }
}
