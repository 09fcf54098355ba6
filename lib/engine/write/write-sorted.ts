/** Writes the rows of a query as a sorted run, in chunks: files that follow one another in the order. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { RowOrder } from '../../define/steps/exchange-definition.ts'
import type { BoundQuery } from '../../duckdb/bound-query.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import type { KeyRange } from '../../model/plan-data.ts'
import type { SharePart } from '../../model/share.ts'
import { scan } from '../read/parquet/describe.ts'
import { copyFiles, passingSettings } from './copy-files.ts'
import { vectorRows } from './writer-limits.ts'

/** The column of a chunk with what rows are sorted by: bytes whose order is that of the rows. */
export const orderColumn = '_fanmill_order'

const fileColumn = '_fanmill_file'

/** Bytes of a chunk's first key that its plan has. The beginning of a key is enough for a bound. */
const keyBytesMax = 64
/** Chunks of a run, so that ranges of the order read little that belongs to their neighbours. */
const chunksWanted = 128
const chunkRowsMin = 8192
const chunkRowsMax = 122_880

/** Returns the order of rows as SQL. */
export const orderSql = ({ columns, descending }: RowOrder): string =>
  columns.map(name => `${quoteName(name)} ${directionOf(name, descending)}`).join(', ')

const directionOf = (name: string, descending: readonly string[]): string =>
  `${descending.includes(name) ? 'DESC' : 'ASC'} NULLS LAST`

/** Returns the condition on the rows of a chunk that are in a range of the order; an empty one for the range of all. */
export function rangeCondition({ from, to }: KeyRange): string {
  const bounds = [
    from === undefined ? [] : [`>= unhex(${quoteText(from)})`],
    to === undefined ? [] : [`< unhex(${quoteText(to)})`],
  ]
  return bounds
    .flat()
    .map(bound => `${orderColumn} ${bound}`)
    .join(' AND ')
}

/** Writes chunks below `target`, a path where nothing is yet, and returns them in order. A query without rows writes one empty file. */
export async function writeSorted(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  { order, rowCount }: { readonly order: RowOrder; readonly rowCount: number },
): Promise<SharePart[]> {
  const keys = order.columns.flatMap(name => [quoteName(name), quoteText(directionOf(name, order.descending))])
  // The constant keeps the key as bytes: for columns of eight bytes in all, the engine would return a number.
  const keyed = `SELECT *, create_sort_key(${[...keys, "''", "'ASC NULLS LAST'"].join(', ')}) AS ${orderColumn} FROM (${query.sql})`
  const rows = Math.ceil(rowCount / chunksWanted / vectorRows) * vectorRows
  const chunkRows = Math.min(chunkRowsMax, Math.max(chunkRowsMin, rows))
  const chunks = [`ROW_GROUP_SIZE ${chunkRows}`, 'ROW_GROUPS_PER_FILE 1']
  const written = await copy(connection, { ...query, sql: `${keyed} ORDER BY ${orderColumn}` }, target, chunks)
  const filled = written.filter(part => part.rows > 0)
  if (filled.length > 0) return withFirstKeys(connection, filled)
  const empty = await copy(connection, { ...query, sql: `SELECT * FROM (${keyed}) LIMIT 0` }, `${target}.parquet`, [])
  return empty.map(part => ({ ...part, sorted: { from: '', isFirst: true } }))
}

async function copy(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  settings: readonly string[],
): Promise<SharePart[]> {
  const written = await copyFiles(connection, query, target, [...passingSettings, ...settings])
  return written.map(({ number: _, ...file }) => ({ ...file, partition: {}, bucket: 0 }))
}

/** Adds the first key of each chunk, and puts the chunks in their order: equal keys may be in several. */
async function withFirstKeys(connection: DuckDBConnection, parts: readonly SharePart[]): Promise<SharePart[]> {
  const files = scan(
    parts.map(({ file }) => file),
    [`filename = ${fileColumn}`],
  )
  const sql = `SELECT ${fileColumn}, hex(min(${orderColumn})[1:${keyBytesMax}]) FROM ${files} GROUP BY ${fileColumn}`
  const first = new Map(
    (await connection.runAndReadAll(sql)).getRows().map(([file, key]) => [String(file), String(key)]),
  )
  const numberOf = ({ file }: SharePart): number => Number(/(\d+)\.parquet$/.exec(file)?.[1] ?? 0)
  const sorted = parts.toSorted((a, b) => numberOf(a) - numberOf(b))
  return sorted.map((part, at) => ({ ...part, sorted: { from: first.get(part.file) ?? '', isFirst: at === 0 } }))
}
