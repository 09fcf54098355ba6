/** One part while it is staged, and how slices are staged into it. */
import type { Columns, Format, ZipLimits } from '../define/definition.ts'
import type { JsonValue } from '../define/json-value.ts'
import type { SkippedMember } from '../model/outcome/skipped-member.ts'
import type { InputObject, ItemSlice } from '../model/plan-data.ts'
import type { RangeEnds } from '../model/share.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import type { ReusedBuffer } from '../store/reused-buffer.ts'
import type { Reader } from '../store/store.ts'
import type { Stage, StageOptions } from './stage.ts'
import type { StagedFile } from './staged-file.ts'

/** A Parquet file with the names of its columns. */
export interface FileColumns {
  readonly archive: string
  readonly names: readonly string[]
  /** The side of a join that it belongs to, 0 the left one; absent for other files. */
  readonly side?: number | undefined
}

export interface SliceStageOptions
  extends Pick<StageOptions, 'folder' | 'stageBytesMax' | 'isByMember' | 'parsing' | 'spares'> {
  readonly store: Reader
  readonly format: Format
  readonly columns: Columns
  readonly onNewColumn: 'ignore' | 'fail' | 'keep'
  readonly onMissingColumn: 'fail' | 'null'
  readonly onBadMember: 'fail' | 'skip'
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  /** Whether the paths of the inputs may hold columns (`year=2024/`); default false. */
  readonly readsHive?: boolean
  /** Yields the rows of a partition, for a source whose rows the user's code yields. */
  readonly rowsOf?: ((partition: JsonValue) => AsyncIterable<object> | Iterable<object>) | undefined
  /** Returns the rows of a value as JSON lines, for a source that maps a function over values. */
  readonly itemText?: ((slice: ItemSlice) => Promise<Uint8Array>) | undefined
  /** Returns the names of the columns of a Parquet file that are read; undefined for all. */
  readonly neededColumns?: ((file: FileColumns) => Promise<ReadonlySet<string> | undefined>) | undefined
  /** Returns for each row group of a part of a dataset whether it may have rows that are needed; undefined where all may. */
  readonly rowGroups?: ((footer: ParquetFooter) => Promise<readonly boolean[] | undefined>) | undefined
  readonly isLocated: boolean
  readonly signal?: AbortSignal
  /** Called with the number of bytes each time that text was inflated. */
  onInflated?(bytes: number): void
}

/** The files and counts of one part while it is staged. */
export interface Staging {
  /** Undefined for Parquet, which is not text. */
  readonly text: Stage | undefined
  readonly parquet: StagedFile[]
  /** Paths of the Parquet files, including one that is being written. */
  readonly parquetPaths: string[]
  /** Files of others that the engine opens where they are. */
  readonly opened: Pick<InputObject, 'key' | 'etag'>[]
  readonly ranges: RangeEnds[]
  /** Files of an earlier stage that are used unchanged; `discard` leaves them. */
  borrowed: readonly StagedFile[]
  /** Memory that the slices use one after another. */
  readonly buffer: ReusedBuffer
  readonly counts: { members: number; bytesIn: number; bytesInflated: number; rowGroupsSkipped: number }
  /** Counts inflated bytes and reports them to `onInflated`. */
  addInflated(bytes: number): void
  readonly skipped: SkippedMember[]
  readonly name: string
  discard(): void
}
