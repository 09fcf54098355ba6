/** Estimates how frequent keys are: rows are aggregated before they are exchanged only where keys repeat. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { AggregateStep } from '../../define/steps/exchange-definition.ts'
import { type BoundQuery, runBound } from '../../duckdb/bound-query.ts'
import { engineFault } from '../../duckdb/engine.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { hasCode } from '../../errors/expected.ts'

/** Enough to tell ten million keys from a hundred thousand. */
const sampleRows = 122_880
/** With more keys than this for each row, rows are exchanged by themselves: the table of the keys costs more than it saves. */
const keysPerRowMax = 0.6

/** With fewer keys than this for each row, what is made of the rows is divided into buckets only when it is combined. */
const keysPerRowFew = 0.05

/** The number of keys for each row: `rare` keys are not worth aggregating, `few` keys leave few rows. */
export type KeyFrequency = 'rare' | 'usual' | 'few'

/**
 * Estimates how frequent keys are among `rowCount` rows, by the first rows of the query. `usual` where the query fails: the conversion
 * will say why. @throws ABORTED
 */
export async function keyFrequency(
  connection: DuckDBConnection,
  { by }: Pick<AggregateStep, 'by'>,
  { query, rowCount }: { readonly query: BoundQuery; readonly rowCount: number },
): Promise<KeyFrequency> {
  const keys = by.map(quoteName).join(', ')
  const sample = `SELECT hash(${keys}) AS key FROM (SELECT ${keys} FROM (${query.sql}) LIMIT ${sampleRows})`
  const sql = `SELECT count(*), count(DISTINCT key) FROM (${sample})`
  const result = await runBound(connection, { ...query, sql }).catch((error: unknown) => {
    // Stopping a run interrupts the query that runs, and no later one.
    const fault = engineFault(error)
    if (hasCode(fault, 'ABORTED')) throw fault
    return undefined
  })
  const [rows = 0, found = 0] = (await result?.getRows())?.[0]?.map(Number) ?? []
  if (rows === 0) return 'usual'
  const share = keysPerRow({ rows, keys: found }, Math.max(rows, rowCount))
  return share > keysPerRowMax ? 'rare' : share <= keysPerRowFew ? 'few' : 'usual'
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
