/** Loads broadcast tables into an engine before it is locked. */
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import type { DuckDBConnection } from '@duckdb/node-api'
import { readHeader } from '../core/csv-header.ts'
import { FanmillError, PermanentError } from '../core/errors.ts'
import { dialectOf } from '../core/record-dialect.ts'
import type { Columns, CsvFormat, Format, LinesFormat } from '../define/definition.ts'
import { sqlType } from './column-sql.ts'
import { engineFault } from './engine.ts'
import { quoteName, quoteText, quoteTexts } from './quote.ts'
import type { TextSource } from './text-source.ts'
import { carefulRead, misfits } from './typed-read.ts'

/** A table's content as a local file, which may end in .gz. */
export interface TableFile {
  readonly name: string
  readonly file: string
  readonly format: Format
  readonly columns?: Columns
}

/**
 * Declared columns are read as those of a task are, strictly, and no others; without any, as the engine finds them in all rows.
 * The loader throws INPUT_INVALID with table, row and column for the first row that does not fit.
 */
export function loadTables(tables: readonly TableFile[]): (connection: DuckDBConnection) => Promise<void> {
  return async connection => {
    for (const table of tables) {
      try {
        await loadTable(connection, table)
      } catch (error) {
        if (error instanceof FanmillError) throw error
        throw tableFault(table, (await scanFault(connection, table)) ?? error)
      }
    }
  }
}

async function loadTable(connection: DuckDBConnection, table: TableFile): Promise<void> {
  const { name, columns, format } = table
  if (!columns) {
    if (format.kind === 'lines') await checkLines(connection, table, format)
    await connection.run(`CREATE TABLE ${quoteName(name)} AS SELECT * FROM ${sniffed(table)}`)
    return
  }
  if (format.kind === 'parquet') {
    const list = Object.entries(columns).map(
      ([column, type]) => `CAST(${quoteName(column)} AS ${sqlType(type)}) AS ${quoteName(column)}`,
    )
    await connection.run(
      `CREATE TABLE ${quoteName(name)} AS SELECT ${list.join(', ')} FROM read_parquet(${quoteText(table.file)})`,
    )
    return
  }
  const read = { columns, strict: true, keepNew: false, provenance: [] }
  const source = textOf(table, format, columns)
  await checkRows(connection, table, misfits([source], read))
  await connection.run(`CREATE TABLE ${quoteName(name)} AS ${carefulRead([source], read)}`)
}

async function checkLines(connection: DuckDBConnection, table: TableFile, format: LinesFormat): Promise<void> {
  await checkRows(
    connection,
    table,
    misfits([textOf(table, format, {})], { columns: {}, strict: true, keepNew: false, provenance: [] }),
  )
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
  const tell = (got: unknown): string =>
    `${place}: expected ${found.expected}, got ${got}; mend the table, or its columns`
  throw new PermanentError('INPUT_INVALID', tell(found.received), detail, {
    publicMessage: tell('a value that fanmill status shows'),
  })
}

/** Rows as texts, numbered in place of the located prefix. */
function textOf(table: TableFile, format: Exclude<Format, { kind: 'parquet' }>, columns: Columns): TextSource {
  const numbered = (from: string): string =>
    `(SELECT '0' AS _fanmill_member, '' AS _fanmill_line, CAST(row_number() OVER () AS VARCHAR) AS _fanmill_record, * FROM ${from})`
  const text = (column: string): string => quoteName(column)
  const texts = `{${Object.keys(columns)
    .map(name => `${quoteText(name)}: 'VARCHAR'`)
    .join(', ')}}`
  switch (format.kind) {
    case 'csv': {
      const names = format.header ? '' : `, names = ${quoteTexts(Object.keys(columns))}`
      return {
        from: numbered(`read_csv(${csvSettings(table.file, format)}, all_varchar = true${names})`),
        text,
        all: Object.keys(columns).map(quoteName),
        undeclared: [],
      }
    }
    case 'jsonLines':
      return {
        from: numbered(`read_json(${quoteText(table.file)}, format = 'newline_delimited', columns = ${texts})`),
        text,
        all: Object.keys(columns).map(quoteName),
        undeclared: [],
      }
    case 'lines': {
      const isValid = `regexp_full_match(content, ${quoteText(format.pattern)})`
      const record = { isValid, expected: 'a line that matches the pattern', received: 'content' }
      return {
        from: numbered(`(SELECT *, ${linesGroups(format)} AS groups FROM ${linesOf(table.file)})`),
        text: column => `nullif(groups.${quoteName(column)}, '')`,
        all: ['content'],
        undeclared: [],
        record,
      }
    }
  }
}

function sniffed({ file, format }: TableFile): string {
  switch (format.kind) {
    case 'parquet':
      return `read_parquet(${quoteText(file)})`
    case 'jsonLines':
      // Every row is sniffed: a table is small, and a type found late would fail the load.
      return `read_json(${quoteText(file)}, format = 'newline_delimited', sample_size = -1)`
    case 'lines':
      return `(SELECT unnest(${linesGroups(format)}) FROM ${linesOf(file)})`
    case 'csv':
      return `read_csv(${csvSettings(file, format)}, sample_size = -1)`
  }
}

function csvSettings(
  file: string,
  { delimiter, quote, escape: escaped, header, nullValues, skip, comment, encoding }: CsvFormat,
): string {
  const dialect = `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(escaped)}, header = ${header}, skip = ${skip}`
  const nulls = nullValues.length > 0 ? `, nullstr = ${quoteTexts(nullValues)}` : ''
  const comments = comment === undefined ? '' : `, comment = ${quoteText(comment)}`
  return `${quoteText(file)}, ${dialect}${nulls}${comments}, encoding = ${quoteText(encoding)}, allow_quoted_nulls = false`
}

const linesOf = (file: string): string =>
  `read_csv(${quoteText(file)}, columns = {'content': 'VARCHAR'}, delim = '\u001e', quote = '', escape = '', header = false, auto_detect = false)`

const linesGroups = ({ pattern }: LinesFormat): string => {
  const names = [...pattern.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map(match => match[1] ?? '')
  return `regexp_extract(content, ${quoteText(pattern)}, ${quoteTexts(names)})`
}

/** What a scan that finds out nothing by itself says: the line of a record with other fields than the header, for instance. */
async function scanFault(connection: DuckDBConnection, { file, format }: TableFile): Promise<unknown> {
  if (format.kind !== 'csv' || !format.header) return undefined
  try {
    const bytes = await readFile(file)
    const { names } = readHeader(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, dialectOf(format), format)
    const columns = names.map(name => `${quoteText(name)}: 'VARCHAR'`).join(', ')
    await connection.run(
      `SELECT count(*) FROM read_csv(${csvSettings(file, format)}, auto_detect = false, columns = {${columns}})`,
    )
    return undefined
  } catch (error) {
    return error
  }
}

function tableFault({ name, file }: TableFile, error: unknown): Error {
  const fault = engineFault(error)
  if (!(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') return fault
  // The engine names its local copy, and gives advice on its own settings.
  const lines = (error instanceof Error ? error.message : String(error)).replaceAll(file, name).split('\n')
  const problem = lines
    .slice(0, 3)
    .filter(line => line.trim() !== '')
    .join('; ')
    .slice(0, 500)
  const { publicMessage } = fault
  return new PermanentError(
    'INPUT_INVALID',
    `table ${name}: ${problem}`,
    { table: name },
    { cause: error, publicMessage: publicMessage && `table ${name}: ${publicMessage}` },
  )
}
