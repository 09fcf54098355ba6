/** A row that does not fit its columns, or that a check or a function rejected, as data. */
export interface Reject {
  readonly archive: string
  readonly member: string
  /** 1-based physical line on which the record begins, in the member. */
  readonly line: number
  /** 1-based record in the member, the header not counted. */
  readonly record: number
  readonly column: string
  readonly expected: string
  /** The text that was received, cut at 200 characters. */
  readonly received: string
  /** The whole record, cut at 65,536 characters or 4,000 fields; empty for a row of Parquet, null in files of older runs. Only in the file of rejects: messages and state do without. */
  readonly text?: string | null
}
