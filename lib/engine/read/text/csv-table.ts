/** The CSV of a broadcast table: its header, and the settings with which the engine reads the rows as a task does. */
import { open, readFile } from 'node:fs/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { findColumns } from '../../../define/columns/file-names.ts'
import type { Columns, CsvFormat } from '../../../define/definition.ts'
import { quoteText } from '../../../duckdb/quote.ts'
import { PermanentError } from '../../../errors/errors.ts'
import { compressionOf } from '../../../inflate/compression.ts'
import { readHeader, refuseEqualNames } from '../../../text/csv-header.ts'
import { bomBytes } from '../../../text/encoding.ts'
import { dialectOf } from '../../../text/records/dialect.ts'
import { nullTexts } from './csv-scan.ts'

export interface CsvTable {
  readonly name: string
  readonly file: string
  readonly columns?: Columns
}

/** How a table is read, and the names in its header, where it has one. */
export interface TableTop<F> {
  readonly format: F
  readonly header?: readonly string[]
}

/**
 * Returns the format with which the engine skips blank lines, as the scanner of tasks does. Otherwise it reads a blank
 * line above the header as the header, and where the only column has the empty text as null, a blank line as a null.
 * @throws INPUT_INVALID when two columns have the same name, in whatever case; where columns are declared, when one of those has
 */
export async function readTableTop(table: CsvTable, format: CsvFormat): Promise<TableTop<CsvFormat>> {
  if (!format.header) return { format: columnCount(table) === 1 ? withoutBlanks(format) : format }
  const { names, blankLines } = await headerOf(table, format)
  const { name, columns } = table
  const found = columns && findColumns(names, columns, format.matchNames)
  const read = new Set(Array.from(found?.positions.values() ?? [], position => names[position]))
  const used = columns && ((each: string) => read.has(each))
  refuseEqualNames(names, { where: `table ${name}`, ignoreCase: true, detail: { table: name }, used })
  const below = { ...format, skip: format.skip === 0 ? blankLines : format.skip }
  const missing = Object.keys(columns ?? {}).filter(name => !found?.positions.has(name))
  if (missing.length > 0)
    throw new PermanentError(
      'INPUT_INVALID',
      `table ${name}: expected the columns ${Object.keys(columns ?? {}).join(', ')}, got a header without ${missing.join(', ')}; fix the table, or its columns`,
      { table: name, missing },
    )
  for (const [column, several] of found?.several ?? [])
    throw new PermanentError(
      'INPUT_INVALID',
      `table ${name}: expected one name of column ${column} in the header, got ${several.join(' and ')}; fix the table, or its columns`,
      { table: name, column, names: several },
    )
  return { header: names, format: names.length === 1 ? withoutBlanks(below) : below }
}

const columnCount = ({ columns }: CsvTable): number => Object.keys(columns ?? {}).length

const withoutBlanks = (format: CsvFormat): CsvFormat => ({
  ...format,
  nullValues: format.nullValues.filter(text => text !== ''),
})

/** The arguments of `read_csv`. The engine guesses settings that are left out, for instance a comment from rows that begin with `#`. */
export function csvSettings(file: string, format: CsvFormat): string {
  const { delimiter, quote, escape: escaped, header, nullValues, skip, comment = '' } = format
  return [
    quoteText(file),
    `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(escaped)}`,
    `header = ${header}, skip = ${skip}, comment = ${quoteText(comment)}, encoding = 'utf-8'`,
    `nullstr = ${nullTexts(nullValues, format)}, allow_quoted_nulls = false, hive_partitioning = false`,
  ].join(', ')
}

/** Returns the error of a scan that guesses nothing: it names, for instance, the line of a record with other fields than the header. */
export async function scanFault(connection: DuckDBConnection, table: CsvTable, format: CsvFormat): Promise<unknown> {
  if (!format.header) return undefined
  try {
    const { names } = await headerOf(table, format)
    const columns = names.map(name => `${quoteText(name)}: 'VARCHAR'`).join(', ')
    await connection.run(
      `SELECT count(*) FROM read_csv(${csvSettings(table.file, format)}, auto_detect = false, columns = {${columns}})`,
    )
    return undefined
  } catch (error) {
    return error
  }
}

async function headerOf({ file }: CsvTable, format: CsvFormat) {
  const header = headerIn(inflate(file, await firstBytes(file)), format)
  return header.isComplete ? header : headerIn(inflate(file, await readFile(file)), format)
}

/** Returns the names, and the blank lines at the beginning. */
function headerIn(bytes: Uint8Array, format: CsvFormat) {
  const { names, isComplete } = readHeader(bytes, dialectOf(format), format)
  const text = Buffer.from(bytes.subarray(bomBytes(bytes), topBytes)).toString('latin1')
  const blank = /^[\r\n]*/.exec(text)?.[0] ?? ''
  return { names, blankLines: blank.split(/\r\n|\r|\n/).length - 1, isComplete }
}

const inflate = (file: string, bytes: Uint8Array): Uint8Array => compressionOf(file)?.inflateTop?.(bytes) ?? bytes

const topBytes = 65_536

async function firstBytes(file: string): Promise<Uint8Array> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(topBytes), 0, topBytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
