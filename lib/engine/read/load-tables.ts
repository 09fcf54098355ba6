/** Loads broadcast tables into an engine before it is locked. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Columns, Format } from '../../define/definition.ts'
import { isText, type TextFormat } from '../../define/format-kind.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import type { ParquetContent } from '../../parquet/file.ts'
import { engineFault } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/quote.ts'
import { describeParquet, ownColumns } from './parquet-describe.ts'
import { parquetMisfits, parquetRead } from './parquet-read.ts'
import { declaredColumns } from './read-columns.ts'
import { tableText } from './table-text.ts'
import { carefulRead, misfits } from './typed-read.ts'

/** A table's content as a local file, which may end in .gz. Its text is UTF-8, whatever encoding its format names. */
export interface TableFile {
  readonly name: string
  readonly file: string
  readonly format: Format
  readonly columns?: Columns
  /** Set for a Parquet file, which is prepared for the engine. */
  readonly parquet?: ParquetContent
}

/**
 * Returns a loader of the tables. Declared columns are read strictly, as those of a task, and no others are; without
 * declared columns, the engine finds names and types in all rows.
 * The loader throws INPUT_INVALID with table, row and column for the first row that does not fit.
 */
export function loadTables(tables: readonly TableFile[]): (connection: DuckDBConnection) => Promise<void> {
  return async connection => {
    for (const table of tables) {
      try {
        await loadTable(connection, table)
      } catch (error) {
        if (error instanceof FanmillError) throw error
        throw tableFault(table, (await textFault(connection, table)) ?? error)
      }
    }
  }
}

async function loadTable(connection: DuckDBConnection, table: TableFile): Promise<void> {
  const { format } = table
  return isText(format) ? loadText(connection, table, format) : loadParquet(connection, table)
}

async function loadText(connection: DuckDBConnection, table: TableFile, declared: TextFormat): Promise<void> {
  const { name, file, columns } = table
  const { prepare, texts, sniffed, mayMisfit = false } = tableText(declared)
  const top = (await prepare?.(table, declared)) ?? { format: declared }
  const read = { columns: columns ?? {}, strict: true, keepNew: false, provenance: [] }
  if (columns || mayMisfit) await checkRows(connection, table, misfits([texts(file, top, read.columns)], read))
  const rows = columns ? carefulRead([texts(file, top, columns)], read) : `SELECT * FROM ${sniffed(file, top.format)}`
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${rows}`)
}

async function loadParquet(connection: DuckDBConnection, table: TableFile): Promise<void> {
  const { name, file, parquet, columns: declared } = table
  if (!parquet) throw new PermanentError('STATE_INVALID', `table ${name}: expected a Parquet file that is prepared`)
  const origin = { archive: `table ${name}`, member: '', index: 0 }
  const described = await describeParquet(connection, [{ file, members: [origin], parquet }])
  const columns = declared ? declaredColumns(declared) : described.flatMap(file => ownColumns(file))
  const read = { columns, strict: true, keepNew: false, provenance: [], isTable: true }
  const input = parquetRead(described, read)
  await checkRows(connection, table, parquetMisfits(described, read))
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${input}`)
}

async function checkRows(connection: DuckDBConnection, { name }: TableFile, query: string): Promise<void> {
  if (query === '') return
  const reader = await connection.runAndReadAll(
    `SELECT record, "column", expected, received FROM (${query}) ORDER BY CAST(record AS BIGINT) LIMIT 1`,
  )
  const [found] = reader.getRowObjects()
  if (!found) return
  const column = String(found.column)
  const place = `table ${name}, row ${found.record}${column === '' ? '' : `: column ${column}`}`
  const detail = { table: name, row: Number(found.record), column, expected: found.expected, received: found.received }
  const message = `${place}: expected ${found.expected}; fix the table, or its columns`
  throw new PermanentError('INPUT_INVALID', message, detail)
}

async function textFault(connection: DuckDBConnection, table: TableFile): Promise<unknown> {
  const { format } = table
  return isText(format) ? tableText(format).faultOf?.(connection, table, format) : undefined
}

function tableFault({ name, file }: TableFile, error: unknown): Error {
  const fault = engineFault(error)
  if (!(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') return fault
  // The engine names its local copy, and gives advice about its own settings.
  const lines = (error instanceof Error ? error.message : String(error)).replaceAll(file, name).split('\n')
  const problem = lines
    .slice(0, 3)
    .filter(line => line.trim() !== '')
    .join('; ')
    .slice(0, 500)
  const quotesRow = 'received' in fault.detail
  const detail = { table: name, received: quotesRow ? problem : undefined }
  return new PermanentError('INPUT_INVALID', `table ${name}: ${quotesRow ? fault.message : problem}`, detail, {
    cause: error,
  })
}
