/** The messages to a worker thread and back: a share of a batch's slices, and its result. */
import type { PartitionLimits } from '../paths/partition-limits.ts'
import type { ByteRange } from '../store/byte-range.ts'
import type { SchemaColumn } from './outcome/manifest.ts'
import type { Reject } from './outcome/reject.ts'
import type { SkippedMember } from './outcome/skipped-member.ts'
import type { InputObject, Slice } from './plan-data.ts'

/** Text that another thread has put into the stage folder: pieces of a streamed member. */
export interface StagedText {
  readonly slice: number
  /** Staged files as the stage describes them. */
  readonly files: readonly unknown[]
}

/** The run that reads the rows, for the columns `_run` and `_loaded_at`. */
export interface LoadingRun {
  readonly runId: string
  /** ISO 8601, from run.json: the same in all batches, and in tries that resume the run. */
  readonly startedAt: string
}

/** One thread's part of a batch; its slices share writers, so that parts come near `partBytes`. */
export interface ShareJob {
  readonly kind: 'share'
  readonly slices: readonly Slice[]
  readonly staged?: StagedText
  /** The run's inputs that the slices name, by index. */
  readonly inputs: Readonly<Record<number, InputObject>>
  /** Path prefix for part files. */
  readonly target: string
  /** Bytes of text that are staged at once for one writer. */
  readonly groupBytes: number
  /** Absent where each conversion counts its own partitions. */
  readonly partitionLimits?: PartitionLimits | undefined
  /** The number of buckets, where the rows go to an exchange. */
  readonly buckets?: number | undefined
  /** The types to which the columns of the key are converted before they are hashed; default their own. */
  readonly keyTypes?: readonly string[] | undefined
  /** Absent where there is no run, as in a test of the step alone. */
  readonly run?: LoadingRun
}

/** The account of a member: records found in its text, and how many were rejected. */
export interface MemberAccount {
  readonly archive: string
  readonly member: string
  readonly records: number
  readonly rejected: number
}

/** A part that was written to a file, before the store has it. */
export interface SharePart {
  readonly file: string
  readonly rows: number
  readonly sizeBytes: number
  readonly partition: Readonly<Record<string, string | null>>
  /** The bucket of its rows, where they go to an exchange. Absent for a file that is not divided into buckets. */
  readonly bucket?: number
  /** Set for a chunk of a sorted run: the beginning of its first key in the order, as hex, and whether it begins a run. */
  readonly sorted?: { readonly from: string; readonly isFirst: boolean }
  /** The rows of each bucket, for a file that is not divided. */
  readonly rowsByBucket?: readonly number[]
}

/** The offsets at which a range slice really began and ended: its end must be its neighbour's start. */
export interface RangeEnds extends ByteRange {
  readonly slice: number
  readonly input: number
}

export interface ShareResult {
  readonly parts: readonly SharePart[]
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  readonly recordsFound: number
  readonly members: number
  /** Bad members that were skipped. */
  readonly skipped: readonly SkippedMember[]
  readonly bytesIn: number
  readonly bytesInflated: number
  /** Row groups of Parquet files that were not read. */
  readonly rowGroupsSkipped: number
  /** Parquet files of the accounts by member, one for each group. */
  readonly accountFiles: readonly string[]
  /** Parquet files of rejected rows. */
  readonly rejectFiles: readonly string[]
  readonly firstRejects: readonly Reject[]
  readonly ranges: readonly RangeEnds[]
  readonly schema: readonly SchemaColumn[]
  readonly worker: { readonly pid: number; readonly thread: number }
}
