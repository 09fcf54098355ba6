/**
 * Numbers the partitions of a query's rows inside the query. Files are then written in folders with short numbers as names,
 * whatever the values are, and too many partitions stop the query before the engine opens files for them.
 */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import { registerHashFunction } from '../../duckdb/hash-function.ts'
import { checkFolderLength, type PartitionLimits } from '../../paths/partition-limits.ts'
import type { Partition } from '../../paths/partition-path.ts'
import { addPartition } from '../../paths/partition-set.ts'
import { HashNumbers } from './hash-numbers.ts'
import { type CountPartitions, registerPartitionCount } from './partition-count.ts'
import { partitionTexts } from './partition-texts.ts'

/** The column that stands in place of the partition columns. */
export const numberColumn = '_fanmill_partition'

export interface PartitionKeys {
  /** Returns the query with the partition's number in place of the partition columns. */
  numbered(sql: string): string
  /** Counts the partitions of a query that has too many. */
  readonly count: CountPartitions
  /** Begins a query: forgets the partitions of the last one. */
  begin(limits: PartitionLimits): void
  partition(number: number): Partition
  readonly met: readonly Partition[]
  /** Returns the error with which a partition made the query fail (`TooManyKeys` or PARTITION_TOO_LONG), and forgets it. */
  takeFault(): Error | undefined
}

/** There are more partitions than allowed; `count` counts them. */
export class TooManyKeys extends Error {}

export interface PartitionOptions {
  readonly partitionBy: readonly string[]
  readonly partitionsMax: number
}

const numberFunction = 'fanmill_partition_number'

/** Registers the functions for one task's partition columns. Hashes of 64 bits stand for values: two of 1,000 values have the same hash once in 10^13 times. */
export function registerPartitionKeys(connection: DuckDBConnection, options: PartitionOptions): PartitionKeys {
  const { partitionBy, partitionsMax } = options
  let numbers = new HashNumbers()
  let met: Partition[] = []
  let limits: PartitionLimits = { folderBytesMax: Number.POSITIVE_INFINITY }
  let fault: Error | undefined
  const enter = (low: number, high: number, partition: Partition): void => {
    met.push(partition)
    if (met.length > partitionsMax) throw new TooManyKeys()
    checkFolderLength(partition, limits.folderBytesMax)
    if (limits.seen && addPartition(limits.seen, low >>> 0, high >>> 0) > partitionsMax) throw new TooManyKeys()
  }
  registerHashFunction(connection, {
    name: numberFunction,
    textCount: partitionBy.length,
    each: (words, out, chunk) => {
      try {
        numbers.number(words, out, (low, high, row) => enter(low, high, partitionAt(chunk, row, partitionBy)))
      } catch (error) {
        fault ??= error as Error
        throw error
      }
    },
  })
  return {
    numbered: sql => {
      const { from, texts, columns } = partitionTexts(sql, partitionBy)
      return `SELECT * EXCLUDE (${columns}, ${texts}), ${numberFunction}(hash(${texts}), ${texts}) AS ${numberColumn} FROM ${from}`
    },
    count: registerPartitionCount(connection, partitionBy),
    begin: next => {
      numbers = new HashNumbers()
      met = []
      limits = next
      fault = undefined
    },
    partition: number => met[number] as Partition,
    get met() {
      return met
    },
    takeFault: () => {
      const taken = fault
      fault = undefined
      return taken
    },
  }
}

function partitionAt(chunk: DuckDBDataChunk, row: number, partitionBy: readonly string[]): Partition {
  return Object.fromEntries(
    partitionBy.map((name, at) => [name, chunk.getColumnVector(1 + at).getItem(row) as string | null]),
  )
}
