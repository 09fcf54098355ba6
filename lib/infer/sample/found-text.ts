/** The formats and columns that inference finds in sampled text. */
import type { Format } from '../../define/definition.ts'
import type { TextFormat } from '../../define/formats/format-kind.ts'
import type { Reject } from '../../model/outcome/reject.ts'
import type { Inferred } from '../columns-source.ts'
import type { FoundColumn } from '../infer-columns.ts'

/** A format and typed columns, checked by reading the sample. */
export interface InferredText extends Inferred {
  readonly format: Format
  /** The first rows of the sample that do not fit. */
  readonly rejects: readonly Reject[]
  /** Remarks to read before the source is pasted; the source has them as comments. */
  readonly notes: readonly string[]
  /** Whether some files lack some of the columns. */
  readonly isColumnMissing: boolean
}

/** A format and columns before they are checked. */
export interface FoundText {
  readonly format: TextFormat
  readonly columns: readonly FoundColumn[]
  readonly notes: readonly string[]
  /** Whether some samples lack some of the columns. */
  readonly isColumnMissing: boolean
}
