/** A conversion of staged files to parts: its tools, its jobs and its results. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { JoinStep } from '../define/steps/join-definition.ts'
import type { RowCounter } from '../duckdb/row-counter.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { SideColumns } from '../model/plan-data.ts'
import type { ShareJob, SharePart } from '../model/share.ts'
import { sumFields } from '../model/sum-fields.ts'
import type { StagedFile } from '../stage/staged-file.ts'
import type { EngineTask } from './engine-task.ts'
import type { ParquetOptions } from './read/parquet/names.ts'
import type { ReadColumn } from './read/read-columns.ts'
import type { ReadOptions } from './read/typed-read.ts'
import type { MapFunctions } from './transform/map-function.ts'
import type { BoundCheck } from './transform/row-checks.ts'
import type { CheckedTransform } from './transform/transform.ts'
import type { PartitionKeys } from './write/partition-keys.ts'
import type { KeptRejects } from './write/reject-rows.ts'

/** The tools of a task's conversions, which stay the same from one job to the next. */
export interface Conversion extends Pick<EngineTask, 'format' | 'parts' | 'exchange'> {
  readonly connection: DuckDBConnection
  readonly counter: RowCounter
  /** Counts rows that fit, whether or not they pass the checks. */
  readonly fitCounter: RowCounter
  readonly maps: MapFunctions
  readonly read: ReadOptions
  /** Set when the files are Parquet. */
  readonly parquet?: ParquetOptions | undefined
  readonly checks: readonly BoundCheck[]
  readonly transform: CheckedTransform
  /** The columns that the transform returns, as they are written. */
  readonly written: readonly SchemaColumn[]
  /** The columns by which a dataset is kept, with their types, where the rows go to the exchange before it. */
  readonly kept?: readonly SchemaColumn[] | undefined
  /** Writes wide rows to an exchange. */
  readonly wideRows?: DuckDBConnection | undefined
  /** Set when the files are those of an exchange, with their columns, and those of the key. */
  readonly exchanged?:
    | { readonly own: readonly ReadColumn[]; readonly by: readonly string[]; readonly join?: JoinStep | undefined }
    | undefined
  /** Set when the output has partitions. */
  readonly keys?: PartitionKeys | undefined
}

export interface ConvertJob extends Pick<ShareJob, 'partitionLimits' | 'buckets' | 'keyTypes'> {
  /** Staged text with any headers, or whole Parquet files. */
  readonly files: readonly StagedFile[]
  /** Path for the parts, without ending; nothing is there yet. */
  readonly target: string
  /** Keeps what does not fit as rejects; the text must be staged located. */
  readonly isCareful: boolean
  /** Converts only the records up to this number of their member; for careful conversions. */
  readonly lastRecord?: number | undefined
  /** The columns of both sides, when the files are those of a join. */
  readonly sides?: SideColumns | undefined
  /** Those of `sides` that are read. Default all. */
  readonly usedSides?: SideColumns | undefined
  /** Converts only to see whether it fails: partitions are not written apart. Default false. */
  readonly isTrial?: boolean
}

/** Returns the records of the files, which were counted apart from the scan. */
export const recordCount = ({ files }: Pick<ConvertJob, 'files'>): number => sumFields(files, ['records']).records

/**
 * `locate`: something does not fit; stage the same text located and convert it carefully.
 * `byMember`: a map function reads its row's member; stage one file for each member, and convert them one by one.
 */
export type Converted =
  | ConvertedParts
  | { readonly kind: 'locate'; readonly cause: Error }
  | { readonly kind: 'byMember' }

export interface ConvertedParts extends KeptRejects {
  readonly kind: 'parts'
  readonly parts: readonly SharePart[]
  /** Rows that entered the transform. */
  readonly rowsRead: number
  readonly rowsWritten: number
  /** Records that only the conversion could count. Default they are counted where they are staged. */
  readonly recordsFound?: number | undefined
}
