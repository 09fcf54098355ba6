/** Counts the partitions of a query's rows without writing them, for the message of a query that has too many. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundQuery, runBound } from '../duckdb/bound-query.ts'
import { registerHashFunction } from '../duckdb/hash-function.ts'
import { HashNumbers } from './hash-numbers.ts'
import { partitionTexts } from './partition-texts.ts'

/** Counting further says nothing new, and takes memory: 24 MB for so many. */
const countedMax = 1_000_000
const countFunction = 'fanmill_partition_count'

export interface CountedPartitions {
  readonly partitions: number
  /** The rows that have them. */
  readonly rows: number
}

/** Stops after `rowsMax` rows. */
export type CountPartitions = (query: BoundQuery, rowsMax: number) => Promise<CountedPartitions>

export function registerPartitionCount(connection: DuckDBConnection, partitionBy: readonly string[]): CountPartitions {
  let counts = new HashNumbers()
  let [rows, rowsMax] = [0, 0]
  registerHashFunction(connection, {
    name: countFunction,
    textCount: 0,
    each: (words, numbers) => {
      for (let at = 0; at < words.length; at += 2) {
        const [low, high] = [words[at] as number, words[at + 1] as number]
        if (counts.find(low, high) === undefined) counts.add(low, high)
      }
      rows += numbers.length
      if (rows >= rowsMax || counts.count >= countedMax) throw new Error('counted enough')
      numbers.fill(0)
    },
  })
  return async (query, limit) => {
    counts = new HashNumbers()
    ;[rows, rowsMax] = [0, limit]
    const { from, texts } = partitionTexts(query.sql, partitionBy)
    const sql = `SELECT sum(${countFunction}(hash(${texts}))) FROM ${from}`
    // Whatever ends it early, what was counted is there.
    await runBound(connection, { ...query, sql }).catch(() => undefined)
    return { partitions: counts.count, rows }
  }
}
