/** Infers the type of a column from its texts in a sample. */
import { inferAmounts } from './amounts.ts'
import { type Candidate, candidatesOf, nearestCandidate, nullMarks } from './column-candidates.ts'
import { type InferredColumn, writingOptions } from './columns-source.ts'

export interface InferColumnOptions {
  /** Whether these are texts of JSON, which are never numbers. */
  readonly isText?: boolean
  /** Types that were tried and do not fit. */
  readonly refused?: readonly Candidate[]
}

/** Returns the first type that fits every text. Marks such as `NA` are nulls of the column where one type fits all other texts. */
export function inferColumn(texts: ReadonlySet<string>, options: InferColumnOptions = {}): InferredColumn {
  const fitting = fittingTypes(texts, options)
  if (fitting.length > 0) return columnOf(fitting)
  const values = new Set(texts)
  const marks = nullMarks.filter(mark => values.delete(mark))
  const fittingValues = marks.length === 0 ? [] : fittingTypes(values, options)
  if (fittingValues.length > 0) return { ...columnOf(fittingValues), nullValues: marks }
  const found = options.isText ? undefined : (inferAmounts(values) ?? inferAnswers(values))
  if (found && !options.refused?.some(each => writtenType(each) === writtenType(found)))
    return { ...found, ...(marks.length > 0 && { nullValues: marks }) }
  return { type: 'string', note: nearMiss(values, options) }
}

/** Returns a column of yes and no, where both are there: `NO` alone may be Norway. */
function inferAnswers(texts: ReadonlySet<string>): InferredColumn | undefined {
  const words = new Set(Array.from(texts, text => text.toLowerCase()))
  return words.size === 2 && words.has('yes') && words.has('no') ? { type: 'boolean' } : undefined
}

/** Returns a note for texts of which three in four, and at least two, fit one type: it names the first that does not. */
function nearMiss(texts: ReadonlySet<string>, { isText, refused = [] }: InferColumnOptions): string | undefined {
  const nearest = refused.length > 0 ? undefined : nearestCandidate(texts, { isText })
  if (!nearest || texts.size < 3 || nearest.others.length > texts.size / 4) return undefined
  const { type, others } = nearest
  const [first = ''] = others
  const shown = JSON.stringify(first.length > shownChars ? `${first.slice(0, shownChars)}…` : first)
  return `${texts.size - others.length} of ${texts.size} different values are ${[type, writingOf(nearest)].filter(Boolean).join(' with ')}; ${shown} is not`
}

/** Names the options of a candidate: `format '%d.%m.%Y'`. */
function writingOf({ format, decimalSeparator, thousandsSeparator }: Candidate): string {
  const options = Object.entries({ format, decimalSeparator, thousandsSeparator })
  return options.flatMap(([name, value]) => (typeof value === 'string' ? `${name} '${value}'` : [])).join(' and ')
}

/** Characters of a value in a note. */
const shownChars = 40

function fittingTypes(texts: ReadonlySet<string>, { isText = false, refused = [] }: InferColumnOptions): Candidate[] {
  const names = refused.map(writtenType)
  return candidatesOf(texts, { isText }).filter(candidate => !names.includes(writtenType(candidate)))
}

const writtenType = ({ type, ...column }: Candidate): string =>
  JSON.stringify([type, ...writingOptions.map(name => column[name])])

/** Returns the first candidate, with how another one of the same type, which fits equally well, is written. */
function columnOf(fitting: readonly Candidate[]): InferredColumn {
  const [first, ...others] = fitting as [Candidate, ...Candidate[]]
  if (first.decimalSeparator !== undefined)
    return others.some(({ thousandsSeparator }) => thousandsSeparator === ',')
      ? { type: 'string', note: eitherComma }
      : first
  const other = others.find(({ type, format, decimalSeparator }) => type === first.type && (format ?? decimalSeparator))
  if (typeof first.format === 'string' && typeof other?.format === 'string') return { ...first, orFormat: other.format }
  return first.type === 'float64' && other ? { ...first, orFormat: writingOf(other) } : first
}

const eitherComma =
  "numbers whose comma stands before decimals or between thousands: write column.float64({ decimalSeparator: ',' }) or column.int64({ thousandsSeparator: ',' })"
