/** Decides into how many buckets the rows of a run are hashed. */
import { textPerParquet } from '../define/formats/format-kind.ts'

export interface BucketCountOptions {
  /** The count that the definition requests; default by the bytes. */
  readonly requested?: number | undefined
  readonly batches: number
  /** Bytes of text that the run reads, or of what other formats would be as text. */
  readonly bytes: number
}

const mebibyte = 2 ** 20
/** Text of a bucket that fits into the least memory of an engine (128 MiB) several times. */
const bucketBytes = 32 * mebibyte
/** Text of a bucket that an engine can still process, with files for what does not fit into its memory. */
const bucketBytesMax = 512 * mebibyte
/** Ranges that are read at once are at least so long on average, because a request takes its time for however few bytes. */
const rangeBytes = 256 * 1024
/** Files of all batches: an outcome lists those of its batch. */
const filesMax = 4_000_000

/** Returns the number of buckets, which is the same for all batches of a run. */
export function bucketCount({ requested, batches, bytes }: BucketCountOptions): number {
  const most = Math.max(1, Math.floor(filesMax / Math.max(1, batches)))
  if (requested !== undefined) return Math.min(requested, most)
  const rangesMax = Math.floor(bytes / textPerParquet / Math.max(1, batches) / rangeBytes)
  const wanted = Math.ceil(bytes / bucketBytes)
  const needed = Math.ceil(bytes / bucketBytesMax)
  return Math.max(1, Math.min(most, Math.max(needed, Math.min(wanted, rangesMax))))
}
