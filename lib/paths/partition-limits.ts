/** Limits the number of partitions, and the length of their folders' names. */

import type { Output } from '../define/outputs/output-definition.ts'
import { layoutOf } from '../define/outputs/output-kind.ts'
import { PermanentError } from '../errors/errors.ts'
import { type Partition, partitionFolder } from './partition-path.ts'
import type { PartitionSet } from './partition-set.ts'

/** The most bytes of a key in S3, in UTF-8. */
const keyBytesMax = 1024
/** The most bytes of a name in common file systems. */
export const nameBytesMax = 255

/** The limits of a share; the same for all shares of a run in one process. */
export interface PartitionLimits {
  /** Bytes that a part's key has left for its folders. */
  readonly folderBytesMax: number
  /** The partitions of all shares; without it each conversion counts its own. */
  readonly seen?: PartitionSet | undefined
}

/** Returns how an output is partitioned, for commit; an output without parts has no partitions. */
export function partitioningOf(output: Output | undefined): {
  readonly partitionBy: readonly string[]
  readonly partitionsMax: number
} {
  const { partitionBy = [], partitionsMax = Number.POSITIVE_INFINITY } = (output && layoutOf(output)) ?? {}
  return { partitionBy, partitionsMax }
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** Returns the bytes that a dataset's keys have left for folders, between `prefix` and `partName`. */
export const folderBytesLeft = (prefix: string, partName: string): number =>
  keyBytesMax - bytesOf(prefix) - bytesOf(partName)

/** Checks the names of a partition's folders. @throws PARTITION_TOO_LONG when they are too long for a file system or for S3 */
export function checkFolderLength(partition: Partition, folderBytesMax: number): void {
  const columns = Object.keys(partition).map(column => ({ column, bytes: segmentBytes(partition, column) }))
  const longest = columns.reduce((most, each) => (each.bytes > most.bytes ? each : most))
  if (longest.bytes > nameBytesMax)
    throw tooLongError(partition, longest, nameBytesMax, `a folder's name has at most ${nameBytesMax} bytes`)
  const all = bytesOf(partitionFolder(partition))
  if (all > folderBytesMax)
    throw tooLongError(
      partition,
      { column: longest.column, bytes: all },
      folderBytesMax,
      `the folders of all partition columns have at most ${folderBytesMax} bytes under this output, where a key in S3 has ${keyBytesMax}`,
    )
}

/** Returns the bytes of `name=value`, without the slash. */
const segmentBytes = (partition: Partition, column: string): number =>
  bytesOf(partitionFolder({ [column]: partition[column] ?? null })) - 1

const shownCharacters = 40

function tooLongError(
  partition: Partition,
  { column, bytes }: { readonly column: string; readonly bytes: number },
  bytesMax: number,
  rule: string,
): PermanentError {
  const value = partition[column] ?? ''
  const characters = [...value]
  const received = characters.slice(0, shownCharacters).join('')
  const message = `column ${column}: expected a value that a folder can be named after, as ${rule}, got ${bytes} bytes, from a value of ${characters.length} characters; shorten it in the transform, or partition by another column`
  const detail = { column, bytes, bytesMax, valueCharacters: characters.length, received }
  return new PermanentError('PARTITION_TOO_LONG', message, detail)
}

/** The partitions of a conversion that has too many. */
export interface PartitionCount {
  readonly partitionBy: readonly string[]
  readonly partitionsMax: number
  readonly partitions: number
  /** Rows that have these partitions; absent where rows may have more partitions that were not counted together. */
  readonly rows?: number | undefined
  /** The column with the most values, where there are several columns. */
  readonly widest?: string | undefined
}

/** Returns the error for more partitions than `partitionsMax`. `where` is the file or member, where there is a single one. */
export function tooManyPartitions(count: PartitionCount, where?: string): PermanentError {
  const { partitionBy, partitionsMax, partitions, rows, widest } = count
  const got = rows === undefined ? `at least ${grouped(partitions)}` : `${grouped(partitions)} in ${grouped(rows)} rows`
  const most = widest === undefined ? '' : `, most of them by ${widest}`
  return new PermanentError(
    'TOO_MANY_PARTITIONS',
    `${where === undefined ? '' : `${where}: `}partitionBy ${partitionBy.join(', ')}: expected at most ${grouped(partitionsMax)} partitions in a run, got ${got}${most}; partition by something coarser, or raise partitionsMax`,
    { partitionBy, partitions, partitionsMax, widest },
  )
}

const grouped = (count: number): string => count.toLocaleString('en-US')
