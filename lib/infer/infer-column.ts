/** Infers the type of a column from its texts in a sample. */
import { type Candidate, candidatesOf, nullMarks } from './column-candidates.ts'
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
  return fittingValues.length === 0 ? { type: 'string' } : { ...columnOf(fittingValues), nullValues: marks }
}

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
