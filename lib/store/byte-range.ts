/** A range of bytes: 0-based, end exclusive. HTTP's inclusive end exists only in the S3 store. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}
