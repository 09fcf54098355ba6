/** Loads broadcast tables into an engine before it is locked. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Columns, Format, LinesFormat } from '../../define/definition.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import type { ParquetContent } from '../../parquet/file.ts'
import { engineFault } from '../duckdb/engine.ts'
import { quoteName, quoteText, quoteTexts } from '../duckdb/quote.ts'
import { scanLines } from './csv-scan.ts'
import { csvSettings, scanFault, tableFormat } from './csv-table.ts'
import { jsonSource } from './json-source.ts'
import { patternSource } from './line-source.ts'
import { describeParquet, ownColumns } from './parquet-describe.ts'
import { parquetMisfits, parquetRead } from './parquet-read.ts'
import { declaredColumns } from './read-columns.ts'
import type { TextSource } from './text-source.ts'
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
        throw tableFault(table, (await csvFault(connection, table)) ?? error)
      }
    }
  }
}

async function loadTable(connection: DuckDBConnection, given: TableFile): Promise<void> {
  const { name, columns } = given
  const format = given.format.kind === 'csv' ? await tableFormat(given, given.format) : given.format
  const table = { ...given, format }
  if (format.kind === 'parquet') return loadParquet(connection, table)
  if (!columns) {
    if (format.kind === 'lines') await checkLines(connection, table, format)
    await connection.run(`CREATE TABLE ${quoteName(name)} AS SELECT * FROM ${sniffed(table, format)}`)
    return
  }
  const read = { columns, strict: true, keepNew: false, provenance: [] }
  const source = textOf(table, format, columns)
  await checkRows(connection, table, misfits([source], read))
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${carefulRead([source], read)}`)
}

async function loadParquet(connection: DuckDBConnection, table: TableFile): Promise<void> {
  const { name, file, parquet, columns: declared } = table
  if (!parquet) throw new PermanentError('STATE_INVALID', `table ${name}: expected a Parquet file that is prepared`)
  const origin = { archive: `table ${name}`, member: '', index: 0 }
  const described = await describeParquet(connection, [{ file, members: [origin], parquet }])
  const columns = declared ? declaredColumns(declared) : described.flatMap(ownColumns)
  const read = { columns, strict: true, keepNew: false, provenance: [], isTable: true }
  const input = parquetRead(described, read)
  await checkRows(connection, table, parquetMisfits(described, read))
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${input}`)
}

async function checkLines(connection: DuckDBConnection, table: TableFile, format: LinesFormat): Promise<void> {
  const read = { columns: {}, strict: true, keepNew: false, provenance: [] }
  await checkRows(connection, table, misfits([textOf(table, format, {})], read))
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
  const messageWith = (received: unknown): string =>
    `${place}: expected ${found.expected}, got ${received}; fix the table, or its columns`
  throw new PermanentError('INPUT_INVALID', messageWith(found.received), detail, {
    publicMessage: messageWith('a value that fanmill status shows'),
  })
}

/** Rows as texts, numbered in place of the located prefix. */
function textOf(table: TableFile, format: Exclude<Format, { kind: 'parquet' }>, columns: Columns): TextSource {
  const numbered = (from: string): string =>
    `(SELECT '0' AS _fanmill_member, '' AS _fanmill_line, CAST(row_number() OVER () AS VARCHAR) AS _fanmill_record, * FROM ${from})`
  const text = (column: string): string => quoteName(column)
  switch (format.kind) {
    case 'csv': {
      const names = format.header ? '' : `, names = ${quoteTexts(Object.keys(columns))}`
      return {
        from: numbered(`read_csv(${csvSettings(table.file, format)}, all_varchar = true${names})`),
        text,
        recordText: "''",
        all: Object.keys(columns).map(quoteName),
        used: ['*'],
        undeclared: [],
      }
    }
    case 'jsonLines':
      return {
        ...jsonSource(
          numbered(`(SELECT CAST(json AS VARCHAR) AS line FROM read_ndjson_objects(${quoteText(table.file)}))`),
          columns,
        ),
        all: ['line'],
        used: ['*'],
      }
    case 'lines':
      return {
        ...patternSource(numbered(scanLines([table.file], ['content'])), format, 'content'),
        all: ['content'],
        used: ['*'],
      }
  }
}

function sniffed({ file }: TableFile, format: Exclude<Format, { kind: 'parquet' }>): string {
  switch (format.kind) {
    case 'jsonLines':
      // Every row is sniffed: a table is small, and a type found late would fail the load.
      return `read_json(${quoteText(file)}, format = 'newline_delimited', sample_size = -1, hive_partitioning = false)`
    case 'lines':
      return `(SELECT unnest(groups) FROM ${patternSource(scanLines([file], ['content']), format, 'content').from})`
    case 'csv':
      return `read_csv(${csvSettings(file, format)}, sample_size = -1)`
  }
}

const csvFault = async (connection: DuckDBConnection, table: TableFile): Promise<unknown> =>
  table.format.kind === 'csv' ? scanFault(connection, table, table.format) : undefined

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
  const options = { cause: error, publicMessage: fault.publicMessage && `table ${name}: ${fault.publicMessage}` }
  return new PermanentError('INPUT_INVALID', `table ${name}: ${problem}`, { table: name }, options)
}
