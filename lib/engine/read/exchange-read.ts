/** Reads the files of an exchange, which an engine of the same run has written: their columns are as they are. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteName } from '../duckdb/quote.ts'
import { scan } from './parquet-describe.ts'
import type { ReadColumn } from './read-columns.ts'

/** Returns the columns of the files, which all have the same. */
export async function exchangeColumns(connection: DuckDBConnection, files: readonly string[]): Promise<ReadColumn[]> {
  const result = await connection.run(`SELECT * FROM ${scan(files.slice(0, 1))} LIMIT 0`)
  return result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }))
}

/** Returns a query of the rows of all files. */
export function exchangeRead(files: readonly string[], columns: readonly ReadColumn[]): string {
  const list = columns.map(({ name, type }) => `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`)
  return `SELECT ${list.join(', ')} FROM ${scan(files)}`
}

/** Returns how many rows the files have, by their footers. */
export async function countRows(connection: DuckDBConnection, files: readonly string[]): Promise<number> {
  if (files.length === 0) return 0
  const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${scan(files)}`)
  return Number(reader.getRows()[0]?.[0])
}

const keysShown = 3

/** Returns the keys with the most rows, as texts with their counts. */
export async function heaviestKeys(
  connection: DuckDBConnection,
  by: readonly string[],
  files: readonly string[],
): Promise<readonly string[]> {
  const keys = by.map(quoteName).join(', ')
  const text = `concat_ws(', ', ${by.map(name => `coalesce(CAST(${quoteName(name)} AS VARCHAR), 'null')`).join(', ')})`
  const counted = `SELECT ${keys}, count(*) AS _fanmill_rows FROM ${scan(files)} GROUP BY ${keys}`
  const sql = `SELECT ${text}, _fanmill_rows FROM (${counted}) ORDER BY _fanmill_rows DESC, 1 LIMIT ${keysShown}`
  const rows = (await connection.runAndReadAll(sql)).getRows()
  return rows.map(([key, count]) => `${String(key)} (${Number(count).toLocaleString('en-US')} rows)`)
}
