/** Formats and columns that were found in sampled text. */
import type { Format } from '../define/definition.ts'
import type { Reject } from '../model/reject.ts'
import type { TextFormat } from '../text/record-dialect.ts'
import type { Inferred } from './columns-source.ts'
import type { FoundColumn } from './infer-columns.ts'

/** A format and columns, and what they make of the sample. */
export interface InferredText extends Inferred {
  readonly format: Format
  readonly rejects: readonly Reject[]
  readonly notes: readonly string[]
  readonly isColumnMissing: boolean
}

/** What was found in samples before any of it is checked. */
export interface FoundText {
  readonly format: TextFormat
  readonly columns: readonly FoundColumn[]
  readonly notes: readonly string[]
  readonly isColumnMissing: boolean
}
