/** Counts the partitions of a query's rows without writing them, for the message of a query that has too many. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundQuery, runBound } from '../../duckdb/bound-query.ts'
import { registerHashFunction } from '../../duckdb/hash-function.ts'
import { HashNumbers } from './hash-numbers.ts'
import { partitionTexts } from './partition-texts.ts'

/** Counting stops at this number, which takes 24 MB: a higher count tells a user nothing new. */
const countedMax = 1_000_000
const countFunction = 'fanmill_partition_count'

/** Counts the partitions of a query in its first `rowsMax` rows, and the rows in these partitions. */
export type CountPartitions = (query: BoundQuery, rowsMax: number) => Promise<Record<'partitions' | 'rows', number>>

export function registerPartitionCount(connection: DuckDBConnection, partitionBy: readonly string[]): CountPartitions {
  let counts = new HashNumbers()
  let [rows, rowsMax] = [0, 0]
  registerHashFunction(connection, {
    name: countFunction,
    textCount: 0,
    each: (words, numbers) => {
      counts.number(words, numbers)
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
    // An error may end the query early; the count is kept.
    await runBound(connection, { ...query, sql }).catch(() => undefined)
    return { partitions: counts.count, rows }
  }
}
