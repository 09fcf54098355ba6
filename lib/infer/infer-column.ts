/** The type of a column, of the texts that it has in a sample. */
import { type Candidate, candidatesOf, nullMarks } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'

export interface InferColumnOptions {
  /** Texts of JSON, which are no numbers. */
  readonly isText?: boolean
  /** Types that turned out not to fit. */
  readonly refused?: readonly Candidate[]
}

/** The first type that every text has; marks such as `NA` are nulls of this column where all other texts have one type. */
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
    refused.some(({ type, format }) => type === candidate.type && format === candidate.format)
  return candidatesOf(texts, { isText }).filter(candidate => !isRefused(candidate))
}

/** The first candidate, and the format of another one of the same type, which nobody can tell from it. */
function columnOf(fitting: readonly Candidate[]): InferredColumn {
  const [first, ...others] = fitting as [Candidate, ...Candidate[]]
  const other = others.find(({ type, format }) => type === first.type && format !== undefined)
  const isUnsure = first.format !== undefined && other?.format !== undefined
  return isUnsure ? { ...first, orFormat: other.format } : first
}
