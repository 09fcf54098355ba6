/** Loads broadcast tables into an engine before it is locked. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Columns, Format } from '../../define/definition.ts'
import { isText, type TextFormat } from '../../define/formats/format-kind.ts'
import { engineFault } from '../../duckdb/engine.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { StagedFile, StagedMember } from '../../stage/staged-file.ts'
import { describeParquet, ownColumns, type ParquetFile } from './parquet/describe.ts'
import { parquetMisfits, parquetRead } from './parquet/read.ts'
import { declaredColumns, type ReadColumn } from './read-columns.ts'
import type { CsvTable } from './text/csv-table.ts'
import { tableText } from './text/table-text.ts'
import { carefulRead, misfits } from './typed-read.ts'

/** A table's content as local files, which may end in .gz. Their text is UTF-8, whatever encoding the format names. */
export interface TableFile {
  readonly name: string
  readonly format: Format
  readonly columns?: Columns | undefined
  /** The columns of the dataset that the files are parts of; absent for other files. */
  readonly dataset?: readonly SchemaColumn[] | undefined
  readonly pieces: readonly (Pick<StagedFile, 'file' | 'parquet'> & Pick<StagedMember, 'partition'>)[]
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
        const { format } = table
        await (isText(format) ? loadText(connection, table, format) : loadParquet(connection, table))
      } catch (error) {
        if (error instanceof FanmillError) throw error
        throw tableFault(table, error)
      }
    }
  }
}

/** Loads the first file as a table, and adds the rows of the others by the names of their columns. */
async function loadText(connection: DuckDBConnection, table: TableFile, declared: TextFormat): Promise<void> {
  const { name, columns } = table
  for (const [index, { file }] of table.pieces.entries()) {
    const one: CsvTable = { name, file, ...(columns && { columns }) }
    try {
      const rows = await rowsOfText(connection, one, declared)
      const target = quoteName(name)
      await connection.run(index === 0 ? `CREATE TABLE ${target} AS ${rows}` : `INSERT INTO ${target} BY NAME ${rows}`)
    } catch (error) {
      if (error instanceof FanmillError) throw error
      throw tableFault(table, (await tableText(declared).faultOf?.(connection, one, declared)) ?? error)
    }
  }
}

/** Returns a query of the rows of one file. @throws INPUT_INVALID for the first row that does not fit */
async function rowsOfText(connection: DuckDBConnection, table: CsvTable, declared: TextFormat): Promise<string> {
  const { file, columns } = table
  const { prepare, texts, sniffed, mayMisfit = false } = tableText(declared)
  const top = (await prepare?.(table, declared)) ?? { format: declared }
  const read = { columns: columns ?? {}, strict: true, keepNew: false, provenance: [] }
  if (columns || mayMisfit) await checkRows(connection, table, misfits([texts(file, top, read.columns)], read))
  return columns ? carefulRead([texts(file, top, columns)], read) : `SELECT * FROM ${sniffed(file, top.format)}`
}

async function loadParquet(connection: DuckDBConnection, table: TableFile): Promise<void> {
  const { name, dataset, pieces } = table
  const files = pieces.map(({ file, parquet, partition }, index) => {
    if (!parquet) throw new PermanentError('STATE_INVALID', `table ${name}: expected a Parquet file that is prepared`)
    return { file, members: [{ archive: `table ${name}`, member: '', index, partition }], parquet }
  })
  const described = await describeParquet(connection, files)
  const columns = columnsOf(table, described)
  const read = { columns, dataset, strict: true, keepNew: false, provenance: [], isTable: true }
  const input = parquetRead(described, read)
  await checkRows(connection, table, parquetMisfits(described, read))
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${input}`)
}

function columnsOf({ columns, dataset }: TableFile, [first]: readonly ParquetFile[]): readonly ReadColumn[] {
  if (columns) return declaredColumns(columns)
  return dataset ?? (first ? ownColumns(first) : [])
}

async function checkRows(
  connection: DuckDBConnection,
  { name }: Pick<TableFile, 'name'>,
  query: string,
): Promise<void> {
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

function tableFault({ name, pieces }: TableFile, error: unknown): Error {
  const fault = engineFault(error)
  if (!(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') return fault
  // The engine names its local copy, and gives advice about its own settings.
  const text = error instanceof Error ? error.message : String(error)
  const lines = pieces.reduce((shown, { file }) => shown.replaceAll(file, name), text).split('\n')
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
