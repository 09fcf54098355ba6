/** The options of columns: how the text of each type may be written. */
import * as v from 'valibot'
import { invalid, options } from '../check.ts'
import type { ColumnDefinition } from '../definition.ts'
import { filledText, flag, oneOf, text, texts } from '../schemas.ts'
import { ambiguousFormats, hasKnownSpecifiers } from './time-format.ts'

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
export function columnFields(subject: string, given: GivenFields): ColumnFields {
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

/** The options of a column as they are given. */
export interface GivenFields extends Omit<ColumnFields, 'from' | 'currency'> {
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
