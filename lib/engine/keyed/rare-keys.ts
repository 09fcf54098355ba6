/** Decides whether the rows of a slice are aggregated before they are exchanged, which pays only where keys repeat. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { AggregateStep } from '../../define/exchange-definition.ts'
import { FanmillError } from '../../errors/errors.ts'
import { type BoundQuery, boundTypes } from '../duckdb/bound-query.ts'
import { engineFault } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/quote.ts'

/** Enough to tell ten million keys from a hundred thousand. */
const sampleRows = 122_880
/** With more keys than this for each row, rows are exchanged by themselves: the table of the keys costs more than it saves. */
const keysPerRowMax = 0.6

/**
 * Returns whether keys are so rare among `rowCount` rows that aggregating them does not pay, by the first rows of the query. False where the
 * query fails: the conversion will say why. @throws ABORTED
 */
export async function hasRareKeys(
  connection: DuckDBConnection,
  { by }: Pick<AggregateStep, 'by'>,
  { query, rowCount }: { readonly query: BoundQuery; readonly rowCount: number },
): Promise<boolean> {
  const keys = by.map(quoteName).join(', ')
  const sample = `SELECT hash(${keys}) AS key FROM (SELECT ${keys} FROM (${query.sql}) LIMIT ${sampleRows})`
  const sql = `SELECT count(*), count(DISTINCT key) FROM (${sample})`
  const reader = await connection
    .runAndReadAll(sql, [...query.values], boundTypes(query.values))
    .catch((error: unknown) => {
      // Stopping a run interrupts the query that runs, and no later one.
      const fault = engineFault(error)
      if (fault instanceof FanmillError && fault.code === 'ABORTED') throw fault
      return undefined
    })
  const [rows = 0, found = 0] = reader?.getRows()[0]?.map(Number) ?? []
  return rows > 0 && keysPerRow({ rows, keys: found }, Math.max(rows, rowCount)) > keysPerRowMax
}

/** Estimates the keys for each of `rowCount` rows, as if each key were as frequent as any other. */
export function keysPerRow({ rows, keys }: { readonly rows: number; readonly keys: number }, rowCount: number): number {
  const keysAmong = (count: number, all: number): number => -all * Math.expm1(-count / all)
  let [least, most] = [keys, 1e12]
  if (keysAmong(rows, most) <= keys) return keysAmong(rowCount, most) / rowCount
  // The number of all keys of which so many are among the rows of the sample.
  for (let step = 0; step < 60; step++) {
    const middle = Math.sqrt(least * most)
    if (keysAmong(rows, middle) < keys) least = middle
    else most = middle
  }
  return keysAmong(rowCount, most) / rowCount
}
