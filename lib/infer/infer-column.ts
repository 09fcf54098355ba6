/** Infers the type of a column from its texts in a sample. */
import { type Candidate, candidatesOf, nearestCandidate, nullMarks } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'

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
  return { type: 'string', note: nearMiss(values, options) }
}

/** Returns a note for texts of which three in four, and at least two, fit one type: it names the first that does not. */
function nearMiss(texts: ReadonlySet<string>, { isText, refused = [] }: InferColumnOptions): string | undefined {
  const nearest = refused.length > 0 ? undefined : nearestCandidate(texts, { isText })
  if (!nearest || texts.size < 3 || nearest.others.length > texts.size / 4) return undefined
  const { type, format, others } = nearest
  const [first = ''] = others
  const name = typeof format === 'string' ? `${type} with format '${format}'` : type
  const shown = JSON.stringify(first.length > shownChars ? `${first.slice(0, shownChars)}…` : first)
  return `${texts.size - others.length} of ${texts.size} different values are ${name}; ${shown} is not`
}

/** Characters of a value in a note. */
const shownChars = 40

function fittingTypes(texts: ReadonlySet<string>, { isText = false, refused = [] }: InferColumnOptions): Candidate[] {
  const isRefused = (candidate: Candidate): boolean =>
    refused.some(({ type, format }) => type === candidate.type && String(format) === String(candidate.format))
  return candidatesOf(texts, { isText }).filter(candidate => !isRefused(candidate))
}

/** Returns the first candidate, with the format of another one of the same type that fits equally well. */
function columnOf(fitting: readonly Candidate[]): InferredColumn {
  const [first, ...others] = fitting as [Candidate, ...Candidate[]]
  const other = others.find(({ type, format }) => type === first.type && format !== undefined)
  const isUnsure = typeof first.format === 'string' && typeof other?.format === 'string'
  return isUnsure ? { ...first, orFormat: String(other.format) } : first
}
