/** Explains a conversion that has too many partitions: counts them, in as much of the text as a message is worth. */
import type { BoundQuery } from '../../duckdb/bound-query.ts'
import type { PermanentError } from '../../errors/errors.ts'
import { onlyPlace, placeOf } from '../../model/member-place.ts'
import { tooManyPartitions } from '../../paths/partition-limits.ts'
import type { Partition } from '../../paths/partition-path.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import type { PartitionKeys, PartitionOptions } from './partition-keys.ts'

/** Text up to this size is counted to its end; of a longer text, as many rows as this size has. */
const countedBytesMax = 64e6
/** Rows of Parquet files that are counted; they may be of any size. */
const countedRowsMax = 5_000_000

export interface CountedConversion extends PartitionOptions {
  readonly files: readonly StagedFile[]
  readonly isParquet: boolean
}

/** The partitions are those of this conversion; there are more in the run where other threads have met others. */
export async function explainTooMany(
  keys: PartitionKeys,
  query: BoundQuery,
  { files, isParquet, partitionBy, partitionsMax }: CountedConversion,
): Promise<PermanentError> {
  const { met } = keys
  const counted = await keys.count(query, isParquet ? countedRowsMax : countableRows(files))
  const isCounted = counted.partitions > partitionsMax
  const place = onlyPlace(files.flatMap(file => file.members))
  return tooManyPartitions(
    {
      partitionBy,
      partitionsMax,
      partitions: Math.max(counted.partitions, partitionsMax + 1),
      rows: isCounted ? counted.rows : undefined,
      widest: widestOf(met, partitionBy),
    },
    place && placeOf(place),
  )
}

function countableRows(files: readonly StagedFile[]): number {
  const sum = (of: (file: StagedFile) => number): number => files.reduce((total, file) => total + of(file), 0)
  const bytes = sum(file => file.bytes)
  return bytes <= countedBytesMax ? Number.POSITIVE_INFINITY : (sum(file => file.records) * countedBytesMax) / bytes
}

function widestOf(partitions: readonly Partition[], partitionBy: readonly string[]): string | undefined {
  if (partitionBy.length < 2) return undefined
  const counts = partitionBy.map(name => ({ name, count: new Set(partitions.map(each => each[name])).size }))
  return counts.reduce((most, each) => (each.count > most.count ? each : most)).name
}
