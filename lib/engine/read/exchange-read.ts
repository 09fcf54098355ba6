/** Reads the files of an exchange, which an engine of the same run has written: their columns are as they are. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { joinSides } from '../../define/steps/join-definition.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { sumFields } from '../../model/sum-fields.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import type { EngineTask } from '../engine-task.ts'
import { bucketOf } from '../write/write-buckets.ts'
import { orderColumn, rangeCondition } from '../write/write-sorted.ts'
import { scan } from './parquet/describe.ts'
import type { ReadColumn } from './read-columns.ts'

/** Returns the columns of the files, which all have the same. */
export async function exchangeColumns(connection: DuckDBConnection, files: readonly string[]): Promise<ReadColumn[]> {
  const result = await connection.run(`SELECT * FROM ${scan(files.slice(0, 1))} LIMIT 0`)
  const columns = result.columnNames().map((name, index) => ({ name, type: String(result.columnType(index)) }))
  return columns.filter(({ name }) => name !== orderColumn)
}

/** Returns a query of the rows in `source`. */
export function exchangeRead(source: string, columns: readonly ReadColumn[]): string {
  const list = columns.map(({ name, type }) => `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`)
  return `SELECT ${list.join(', ')} FROM ${source}`
}

/** Returns the rows of files as SQL that may stand after FROM: of files that are not divided into buckets, or sorted, only those that are needed. */
export function rowsOf(files: readonly StagedFile[], by: readonly string[]): string {
  const groups = Map.groupBy(files, file => rowCondition(file, by))
  const queries = [...groups].map(([condition, group]) => {
    const scanned = scan(group.map(({ file }) => file))
    return condition === '' ? scanned : `(SELECT * FROM ${scanned} WHERE ${condition})`
  })
  return queries.length === 1 ? `${queries[0]}` : `(${queries.map(query => `FROM ${query}`).join(' UNION ALL ')})`
}

/** Returns the condition on the rows of a file that are needed; an empty one where all are. */
function rowCondition({ onlyBuckets, onlyKeys }: StagedFile, by: readonly string[]): string {
  if (onlyKeys) return rangeCondition(onlyKeys)
  if (!onlyBuckets) return ''
  const { start, end, of } = onlyBuckets
  return `${bucketOf({ by, buckets: of })} BETWEEN ${start} AND ${end - 1}`
}

/**
 * Returns how many rows the files of an exchange have, by their footers: those of one side of a join have the same columns. Parts of a
 * dataset count as many as were staged of them.
 */
export async function countRows(
  connection: DuckDBConnection,
  files: readonly StagedFile[],
  by: readonly string[],
): Promise<number> {
  const { parts = [], others = [] } = Object.groupBy(files, ({ parquet }) => (parquet ? 'parts' : 'others'))
  let rows = sumFields(parts, ['records']).records
  for (const own of Map.groupBy(others, ({ side }) => side).values()) {
    const reader = await connection.runAndReadAll(`SELECT count(*) FROM ${rowsOf(own, by)}`)
    rows += Number(reader.getRows()[0]?.[0])
  }
  return rows
}

const keysShown = 3

/** Returns the keys with the most rows, as texts with their counts; those of a join for each side. */
export async function heaviestKeys(
  connection: DuckDBConnection,
  { exchangedBy = [], join }: Pick<EngineTask, 'exchangedBy' | 'join'>,
  files: readonly StagedFile[],
): Promise<readonly string[]> {
  const sides = join ? joinSides.map(side => join.on.map(key => key[side])) : [exchangedBy]
  const keys = sides.map(async (by, side) => {
    const own = files.filter(file => !join || file.side === side)
    const heaviest = own.length === 0 ? [] : await heaviestOf(connection, by, own)
    return heaviest.map(key => (join ? `${joinSides[side]} ${key}` : key))
  })
  return (await Promise.all(keys)).flat()
}

async function heaviestOf(
  connection: DuckDBConnection,
  by: readonly string[],
  files: readonly StagedFile[],
): Promise<readonly string[]> {
  const keys = by.map(quoteName).join(', ')
  const text = `concat_ws(', ', ${by.map(name => `coalesce(CAST(${quoteName(name)} AS VARCHAR), 'null')`).join(', ')})`
  const counted = `SELECT ${keys}, count(*) AS _fanmill_rows FROM ${rowsOf(files, by)} GROUP BY ${keys}`
  const sql = `SELECT ${text}, _fanmill_rows FROM (${counted}) ORDER BY _fanmill_rows DESC, 1 LIMIT ${keysShown}`
  const rows = (await connection.runAndReadAll(sql)).getRows()
  return rows.map(([key, count]) => `${String(key)} (${Number(count).toLocaleString('en-US')} rows)`)
}
