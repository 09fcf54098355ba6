/** A file of staged text, or a prepared Parquet file, and the members in it. */
import type { KeyRange } from '../model/plan-data.ts'
import type { ParquetContent } from '../parquet/file.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { FieldKind } from '../text/columns/field-kind.ts'

export interface StagedMember {
  /** 0-based number of the `add` call, over all files of the stage; located records are prefixed with it. */
  readonly index: number
  readonly archive: string
  readonly member: string
  readonly records: number
  /** Bytes of its records in the staged file, end exclusive. */
  readonly start: number
  readonly end: number
  /** 1-based physical line in the member of the first staged byte. */
  readonly firstLine: number
  /** 1-based number in the member of the first staged record. */
  readonly firstRecord: number
  /** Lines that were dropped (blank ones, comments): see RewriteResult. To stage this text again, pass them to `add`. */
  readonly gaps?: readonly number[]
  /** Set for a part of a dataset: its values of `partitionBy`, which the file lacks. */
  readonly partition?: Partition | undefined
}

export interface StagedFile {
  readonly file: string
  /** Column names of the header in file order; `line` for log lines; empty for columns by position. */
  readonly columns: readonly string[]
  /** Newline that ends each record; newlines inside quotes are unchanged. */
  readonly newline: 'lf' | 'crlf'
  readonly records: number
  readonly bytes: number
  readonly located: boolean
  /** Bytes of the longest record; known only for located files. */
  readonly longestRecord?: number
  /** True when the last record has an unclosed quote. */
  readonly isOpen?: boolean
  /** Whether every field of a column, by its position, is written plainly; absent where it was not looked at. */
  readonly plainColumns?: readonly boolean[] | undefined
  /** Set for a Parquet file of rows that were parsed when they were staged: the kind of each field, undefined for fields that it lacks. */
  readonly parsed?: readonly (FieldKind | undefined)[]
  /** File of the records that are rejects already: `records` counts them, the text lacks them. */
  readonly setAside?: string
  readonly members: readonly StagedMember[]
  /** The side of a join that it belongs to, 0 the left one. */
  readonly side?: number | undefined
  /** The buckets whose rows are needed, where it has rows of all. */
  readonly onlyBuckets?: { readonly start: number; readonly end: number; readonly of: number } | undefined
  /** The keys whose rows are needed, where it is a chunk of a sorted run. */
  readonly onlyKeys?: KeyRange | undefined
  /** Set for a Parquet file that is prepared for the engine; `located` then means that its texts are read as bytes. */
  readonly parquet?: ParquetContent
}

/** Returns the files of a stage in the order of their texts: a file that was opened for one without records may get others much later. */
export function inOrder(files: readonly StagedFile[]): StagedFile[] {
  const firstOf = ({ members }: StagedFile): number =>
    (members.find(({ records }) => records > 0) ?? members[0])?.index ?? 0
  return files.toSorted((a, b) => firstOf(a) - firstOf(b))
}
