/** The plan of a run, as JSON: its inputs, batches and slices. */
import * as v from 'valibot'
import type { JsonValue } from '../define/json-value.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { count, type DataOf } from './json-schema.ts'
import { columnsSchema, type SchemaColumn } from './outcome/manifest.ts'

export const inputSchema = v.object({
  key: v.string(),
  sizeBytes: count,
  etag: v.string(),
  /** Hash of the zip directory, or of the content; run and attempt for rows of a dataset. */
  identity: v.string(),
  /** For rows of a dataset: its columns with their types, those of `partitionBy` included. */
  columns: v.optional(columnsSchema),
})
/** A pinned input object: every read of the run uses `etag`, and the run's id is made of `identity`. */
export type InputObject = DataOf<typeof inputSchema>

/** A member of an archive as the run uses it. */
export interface PlannedMember {
  /** Name as decoded from the directory; may be unsafe as a path. */
  readonly name: string
  /** Offset of the local file header in the archive. */
  readonly headerOffset: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
  readonly crc32: number
  /** 0 stored, 8 deflated. */
  readonly method: 0 | 8
  /** The archives around a member of a nested archive, the outermost first, which is a member of the input itself. Names have them as folders. */
  readonly within?: readonly [PlannedMember, ...PlannedMember[]] | undefined
}

/** The work of one thread. */
export type Slice =
  | MembersSlice
  | RangeSlice
  | FileSlice
  | StreamSlice
  | RowsSlice
  | ItemSlice
  | PartSlice
  | ExchangeSlice

interface SliceBase {
  /** Unique in the run. */
  readonly slice: number
  /** An index into the run's inputs. */
  readonly input: number
  /** Inflated bytes, the weight for balancing. */
  readonly bytes: number
}

/** Adjacent members of one archive, which one read of `range` serves unless they are nested. */
export interface MembersSlice extends SliceBase {
  readonly kind: 'members'
  readonly range: ByteRange
  readonly memberCount: number
  /** Whether members of nested archives are among them: these are read as streams. */
  readonly isNested?: boolean | undefined
  /** The members as `packMembers` writes them; they become objects where the slice is processed. */
  readonly members: string
}

/** A byte range of a plain text file; record ends near `range` are found when it is read. */
export interface RangeSlice extends SliceBase {
  readonly kind: 'range'
  readonly range: ByteRange
  /** Offset of its first record, where the slice before it has found it; by default it is searched near `range.start`. */
  readonly recordStart?: number
}

/** A whole file that is not split: Parquet. */
export interface FileSlice extends SliceBase {
  readonly kind: 'file'
}

/** A huge member or a compressed file: one thread inflates and cuts it on record ends, the others parse. */
export interface StreamSlice extends SliceBase {
  readonly kind: 'stream'
  readonly member?: PlannedMember
}

/** A partition of a source whose rows the user's code yields. */
export interface RowsSlice extends SliceBase {
  readonly kind: 'rows'
  readonly partition: JsonValue
}

/** A value of a source that maps a function over values. Batches and shares have neighbours, so that rows are in the order of the values. */
export interface ItemSlice extends SliceBase {
  readonly kind: 'item'
  readonly value: JsonValue
}

/** A part of a dataset. Its input is the run that wrote it. */
export interface PartSlice extends SliceBase {
  readonly kind: 'part'
  /** Full key below the root, pinned as the manifest has it. */
  readonly part: Pick<InputObject, 'key' | 'sizeBytes' | 'etag'> & { readonly partition?: Partition | undefined }
  /** The stage that reads it, where a join reads two datasets: 0 the left side, 1 the right. Absent for other sources. */
  readonly side?: number
}

/** Neighbouring buckets of an exchange. Its input only names them in messages. */
export interface ExchangeSlice extends SliceBase {
  readonly kind: 'exchange'
  readonly buckets: { readonly start: number; readonly end: number }
  /** The files of these buckets, by batch of the stage before. */
  readonly pieces: readonly ExchangePiece[]
  /** Set where each bucket is written by itself, because the output keeps rows by key. */
  readonly isKept?: boolean | undefined
  /** The range of the order that the slice has, from sorted runs; its rows are at most `rows`. Absent where rows are in buckets. */
  readonly keys?: KeyRange | undefined
  /**
   * The side of a join that each slice reads whole, 0 the left one, because it is small; its rows are counted with the first slice. Absent
   * where rows of one key are in one bucket.
   */
  readonly whole?: number | undefined
  /** The columns of the left and of the right side, where they are joined: a side may have no rows in these buckets. */
  readonly sides?: SideColumns
  readonly rows: number
}

/** A range of keys in an order, as hex of what the engine sorts by; without an end where it has none. */
export interface KeyRange {
  readonly from?: string | undefined
  /** The end, which is not in the range. */
  readonly to?: string | undefined
}

/** The columns of the two sides of a join. */
export type SideColumns = readonly [left: readonly SchemaColumn[], right: readonly SchemaColumn[]]

/** Files that one batch of the stage before wrote for neighbouring buckets. */
export interface ExchangePiece {
  /** The object in which they stand back to back, or the folder that has them. */
  readonly key: string
  /** The offset of the first in the object; absent where each file is an object of its own. */
  readonly start?: number | undefined
  /** The side of a join, 0 the left one; absent where rows are not joined. */
  readonly side?: number | undefined
  /** Set for a part of a dataset that is joined as it is: its etag, and `key` is that of the part. */
  readonly etag?: string | undefined
  /** The number of buckets, where the file has rows of all of them and only some are needed; its rows are those that are needed. */
  readonly of?: number | undefined
  /** Set for a part of a dataset: its values of `partitionBy`. */
  readonly partition?: Partition | undefined
  readonly files: readonly { readonly rows: number; readonly bytes: number; readonly name?: string | undefined }[]
}

/** The slices and inputs of a batch, as the members file has them. */
export interface BatchWork {
  readonly slices: readonly Slice[]
  readonly inputs: BatchInputs
}

/** The inputs that a batch's slices name, by index. */
export type BatchInputs = Readonly<Record<number, InputObject>>

export const planItemSchema = v.object({
  batch: count,
  /** Key of the members file, below the run's folder. */
  members: v.string(),
  range: v.object({ start: count, end: count }),
  sliceCount: count,
  memberCount: count,
  bytes: count,
  /** The stage of the run; absent for the first. */
  stage: v.optional(count),
  /** The number of buckets, where the rows go to an exchange. */
  buckets: v.optional(count),
  /** The hash by which keys go to buckets: `hashName`. */
  hash: v.optional(v.string()),
  /** The most bytes of rows that a batch leaves in one file, not divided into buckets; set where rows go to an exchange. */
  undividedBytes: v.optional(count),
  /** The side of a join that the stage reads; absent for other stages. */
  side: v.optional(count),
  /** The engine's types to which the columns of the key are converted before they are hashed; default their own. */
  keyTypes: v.optional(v.array(v.string())),
})
/** An item of plan.json: the place of a batch's inputs and slices. It takes at most 1 KB, however many members the batch has. */
export type PlanItem = DataOf<typeof planItemSchema>
