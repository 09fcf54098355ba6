/** What partitions may be: how many, and how long the names of their folders. */
import type { Output } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Partition } from './partition-path.ts'
import { partitionFolder } from './partition-path.ts'
import type { PartitionSet } from './partition-set.ts'

/** Of a key in S3, in UTF-8. */
const keyBytesMax = 1024
/** Of one name in the file systems that are in use. */
export const nameBytesMax = 255

/** What a share must keep to; the same for every share of a run in one process. */
export interface PartitionLimits {
  /** Bytes that are left for the folders of a part in its key. */
  readonly folderBytesMax: number
  /** The partitions of all shares; default each conversion counts for itself. */
  readonly seen?: PartitionSet | undefined
}

/** How an output is partitioned, for commit; nothing of outputs that are not. */
export function partitioningOf(output: Output | undefined): {
  readonly partitionBy: readonly string[]
  readonly partitionsMax: number
} {
  if (output?.kind !== 'parquet') return { partitionBy: [], partitionsMax: Number.POSITIVE_INFINITY }
  const { partitionBy, partitionsMax } = output
  return { partitionBy, partitionsMax }
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length

/** What the keys of a dataset leave for folders. `prefix` stands before the folders, `partName` after them. */
export const folderBytesLeft = (prefix: string, partName: string): number =>
  keyBytesMax - bytesOf(prefix) - bytesOf(partName)

/** @throws PARTITION_TOO_LONG when a file system or S3 could not name the partition's folders */
export function checkFolderLength(partition: Partition, folderBytesMax: number): void {
  const columns = Object.keys(partition).map(column => ({ column, bytes: segmentBytes(partition, column) }))
  const longest = columns.reduce((most, each) => (each.bytes > most.bytes ? each : most))
  if (longest.bytes > nameBytesMax)
    throw tooLong(partition, longest, nameBytesMax, `a folder's name has at most ${nameBytesMax} bytes`)
  const all = bytesOf(partitionFolder(partition))
  if (all > folderBytesMax)
    throw tooLong(
      partition,
      { column: longest.column, bytes: all },
      folderBytesMax,
      `the folders of all partition columns have at most ${folderBytesMax} bytes under this output, where a key in S3 has ${keyBytesMax}`,
    )
}

/** Of `name=value`, without the slash. */
const segmentBytes = (partition: Partition, column: string): number =>
  bytesOf(partitionFolder({ [column]: partition[column] ?? null })) - 1

const shownCharacters = 40

function tooLong(
  partition: Partition,
  { column, bytes }: { readonly column: string; readonly bytes: number },
  bytesMax: number,
  rule: string,
): PermanentError {
  const value = partition[column] ?? ''
  const characters = [...value]
  const shown = JSON.stringify(characters.slice(0, shownCharacters).join(''))
  const messageWith = (text: string): string =>
    `column ${column}: expected a value that a folder can be named after, as ${rule}, got ${bytes} bytes, from a value of ${characters.length} characters${text}; shorten it in the transform, or partition by another column`
  const detail = { column, bytes, bytesMax, valueCharacters: characters.length }
  return new PermanentError('PARTITION_TOO_LONG', messageWith(` that begins with ${shown}`), detail, {
    publicMessage: messageWith(''),
  })
}

/** What was found of the partitions of a conversion that has too many. */
export interface PartitionCount {
  readonly partitionBy: readonly string[]
  readonly partitionsMax: number
  readonly partitions: number
  /** How many rows have these partitions; absent where there may be more partitions in rows that nobody counted together. */
  readonly rows?: number | undefined
  /** The column with the most values, where there are several columns. */
  readonly widest?: string | undefined
}

/** The error of more partitions than `partitionsMax`. `where` is a file or member, if it is one. */
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
