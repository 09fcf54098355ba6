/** Runs one SELECT over datasets, each a view of the parts that its manifest names. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { engineFault } from '../duckdb/engine.ts'
import { columnNames, columnsOf } from '../duckdb/engine-column.ts'
import { quoteName, quoteText, quoteTexts } from '../duckdb/quote.ts'
import { emptyRead } from '../engine/read/read-columns.ts'
import { stepSql } from '../engine/transform/step-sql.ts'
import { exactSettings } from '../engine/write/copy-files.ts'
import { unfitInterval } from '../engine/write/unfit-interval.ts'
import { PermanentError } from '../errors/errors.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import { checkAllowed } from '../sql/allowed.ts'
import { explainSql } from '../sql/explain.ts'
import { parseSelect, tableNames } from '../sql/syntax.ts'
import { treeColumns } from '../sql/tree-columns.ts'
import { type LocalPart, partColumns } from './dataset.ts'

/** A statement, and what it needs of its tables. */
export interface ParsedQuery {
  /** The statement without a semicolon at its end. */
  readonly sql: string
  /** Names of its tables, as it writes them. */
  readonly tables: readonly string[]
  /** Returns those columns of a table that it uses; all where it may use any. */
  columnsOf(schema: readonly SchemaColumn[]): readonly string[]
}

/** Parses a text that must be one SELECT. @throws SQL_INVALID */
export async function parseQuery(connection: DuckDBConnection, statement: string): Promise<ParsedQuery> {
  const sql = stepSql({ kind: 'sql', scope: 'row', texts: [statement], values: [] }, 1)
  const select = await parseSelect(connection, sql, 'sql')
  const tables = tableNames(select)
  await checkAllowed(connection, select, { tables, where: 'sql', sql })
  return {
    sql,
    tables,
    columnsOf: schema => treeColumns(select, tables, columnNames(schema)),
  }
}

/** The parts of a dataset, as local files. */
export interface QueryTable {
  readonly name: string
  readonly schema: readonly SchemaColumn[]
  readonly parts: readonly LocalPart[]
  /** Whether some parts may lack columns, which are null there. */
  readonly mayLackColumns: boolean
}

/** Makes a view of each table. @throws as `engineFault` */
export async function createViews(connection: DuckDBConnection, tables: readonly QueryTable[]): Promise<void> {
  for (const table of tables) {
    const selects: string[] = []
    // Parts of one partition are read by one scan: their rows have the same values of it.
    const groups = Map.groupBy(table.parts, ({ partition }) => JSON.stringify(partition ?? {}))
    for (const parts of groups.values()) selects.push(await selectParts(connection, table, parts))
    if (selects.length === 0) selects.push(emptyRead(table.schema, { provenance: [], keepNew: false }))
    await connection.run(`CREATE TEMP VIEW ${quoteName(table.name)} AS ${unionOf(selects)}`)
  }
}

async function selectParts(
  connection: DuckDBConnection,
  { schema, mayLackColumns }: QueryTable,
  parts: readonly LocalPart[],
): Promise<string> {
  const byName = mayLackColumns ? ', union_by_name = true' : ''
  const from = `read_parquet(${quoteTexts(parts.map(({ file }) => file))}, hive_partitioning = false${byName})`
  const there = mayLackColumns ? (await connection.run(`SELECT * FROM ${from} LIMIT 0`)).columnNames() : undefined
  return `SELECT ${partColumns(schema, parts[0] ?? {}, { there }).join(', ')} FROM ${from}`
}

/** The engine nests each SELECT of a union in the one before, and limits how deep. */
const unionMax = 100

function unionOf(selects: readonly string[]): string {
  if (selects.length <= unionMax) return selects.join(' UNION ALL ')
  const groups = Array.from({ length: Math.ceil(selects.length / unionMax) }, (_, at) =>
    selects.slice(at * unionMax, (at + 1) * unionMax),
  )
  return unionOf(groups.map(group => `SELECT * FROM (${unionOf(group)})`))
}

/** Returns at most `rowsMax` rows, with values as the engine prints them; null for a null. @throws SQL_INVALID with the nearest column for an unknown one */
export async function queryRows(
  connection: DuckDBConnection,
  { sql }: ParsedQuery,
  { tables, rowsMax }: { readonly tables: readonly QueryTable[]; readonly rowsMax: number },
) {
  return withReasons(tables, sql, async () => {
    const columns = await describe(connection, sql)
    const texts = columns.map(({ name }) => `CAST(${quoteName(name)} AS VARCHAR)`)
    const result = await connection.run(`SELECT ${texts.join(', ')} FROM (${sql}\n) LIMIT ${rowsMax}`)
    return { columns, rows: (await result.getRows()) as (string | null)[][] }
  })
}

const formats = {
  csv: 'FORMAT csv, HEADER',
  json: 'FORMAT json',
  // The engine's Bloom filters miss -0, NaN and bytes that equal what is looked for.
  parquet: 'FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false',
} as const

export type QueryFormat = keyof typeof formats

/** Writes all rows into a new file, and returns how many. @throws as `queryRows` */
export async function writeQuery(
  connection: DuckDBConnection,
  { sql }: ParsedQuery,
  {
    tables,
    file,
    format,
  }: { readonly tables: readonly QueryTable[]; readonly file: string; readonly format: QueryFormat },
): Promise<number> {
  return withReasons(tables, sql, async () => {
    const columns = format === 'parquet' ? await describe(connection, sql) : []
    const settings = [formats[format], ...exactSettings({ types: columns.map(({ type }) => type) })].join(', ')
    const result = await connection.run(`COPY (${exactSql(sql, columns)}\n) TO ${quoteText(file)} (${settings})`)
    return Number((await result.getRows())[0]?.[0])
  })
}

/** Returns the statement with columns that Parquet holds: it has no HUGEINT, as which sums are returned, and not all intervals. */
function exactSql(sql: string, columns: readonly SchemaColumn[]): string {
  const list = columns.flatMap(({ name, type }) => {
    const column = quoteName(name)
    if (type === 'HUGEINT') return `CAST(${column} AS DECIMAL(38, 0)) AS ${column}`
    const unfit = unfitInterval(type, column)
    const fault = `column ${name}: expected intervals of whole milliseconds that are not negative, as Parquet has no others, got another; cast it to text`
    return unfit
      ? `CASE WHEN ${unfit} THEN CAST(error(${quoteText(fault)}) AS ${type}) ELSE ${column} END AS ${column}`
      : []
  })
  return list.length === 0 ? sql : `SELECT * REPLACE (${list.join(', ')}) FROM (${sql}\n)`
}

async function describe(connection: DuckDBConnection, sql: string): Promise<SchemaColumn[]> {
  const columns = columnsOf(await connection.run(`SELECT * FROM (${sql}\n) LIMIT 0`))
  return columns.map(({ name, type }) => ({ name, type: String(type) }))
}

/** Matches errors of the engine that are faults of the statement, and not of the engine. */
const ofStatement =
  /^(Binder|Catalog|Parser|Syntax|Conversion|Invalid Input|Out of Range|Not implemented) Error|^IO Error: Parquet files do not/

async function withReasons<T>(tables: readonly QueryTable[], sql: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && ofStatement.test(error.message))) throw engineFault(error)
    const columns = [...new Set(tables.flatMap(({ schema }) => columnNames(schema)))]
    throw new PermanentError(
      'SQL_INVALID',
      `sql: ${explainSql(error, columns)}`,
      { where: 'sql', sql },
      { cause: error },
    )
  }
}
