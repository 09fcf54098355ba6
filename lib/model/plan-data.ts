/** What plan decides, as JSON: the runs' inputs, batches and slices (design: plan.json, members/{sha256}). */
import type { ByteRange } from '../store/byte-range.ts'

/** An input object, pinned: every read of the run uses `etag`; `identity` is what runId is made of. */
export interface InputObject {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  /** Hash of the zip directory, or of the content. */
  readonly identity: string
}

/** A member of an archive as the run uses it. */
export interface PlannedMember {
  /** As decoded from the directory; may be unsafe as a path. */
  readonly name: string
  /** Offset of the local file header in the archive. */
  readonly headerOffset: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
  readonly crc32: number
  /** 0 stored, 8 deflated. */
  readonly method: 0 | 8
}

/** The work of one thread. `input` is an index into the run's inputs; `slice` is unique in the run. */
export type Slice = MembersSlice | RangeSlice | FileSlice | StreamSlice

/** Adjacent members of one archive, served by one coalesced read of `range`. */
export interface MembersSlice {
  readonly kind: 'members'
  readonly slice: number
  readonly input: number
  readonly range: ByteRange
  readonly memberCount: number
  /** As `packMembers` writes them: objects are made of them where the slice is worked on. */
  readonly members: string
  /** Inflated bytes: the weight for balancing. */
  readonly bytes: number
}

/** A byte range of a plain text file; record ends near `range` are found when it is read. */
export interface RangeSlice {
  readonly kind: 'range'
  readonly slice: number
  readonly input: number
  readonly range: ByteRange
  /** Where its first record begins, when the slice before has told; default it is looked for near `range.start`. */
  readonly recordStart?: number
  readonly bytes: number
}

/** A whole file that is not split: Parquet. */
export interface FileSlice {
  readonly kind: 'file'
  readonly slice: number
  readonly input: number
  readonly bytes: number
}

/** A huge member or a compressed file: one thread inflates and cuts it on record ends, the others parse. */
export interface StreamSlice {
  readonly kind: 'stream'
  readonly slice: number
  readonly input: number
  readonly member?: PlannedMember
  readonly bytes: number
}

/** What a batch reads, as the members file has it. */
export interface BatchWork {
  readonly slices: readonly Slice[]
  readonly inputs: BatchInputs
}

/** Those of the run's inputs that a batch's slices name, by index. */
export type BatchInputs = Readonly<Record<number, InputObject>>

/** An item of plan.json, at most 1 KB whatever it holds: where its inputs and its slices stand. */
export interface PlanItem {
  readonly batch: number
  /** Key of the members file, below the run's folder. */
  readonly members: string
  readonly range: ByteRange
  readonly sliceCount: number
  readonly memberCount: number
  readonly bytes: number
}
