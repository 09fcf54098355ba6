/** Rejected rows of a careful conversion: those that do not fit a column, and records that the scan could not read. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { layoutOfText, type TextFormat } from '../../define/formats/format-kind.ts'
import { quoteText } from '../../duckdb/quote.ts'
import type { Reject } from '../../model/outcome/reject.ts'
import { memberField } from '../read/staged-members.ts'
import { prefixColumns, scanLines } from '../read/text/csv-scan.ts'
import { recordCharactersMax } from '../read/text/record-text.ts'

export interface KeptRejects {
  readonly rowsRejected: number
  readonly rejects: readonly { readonly file: string; readonly first: readonly Reject[] }[]
  /** Rejected rows by index of the staged member. */
  readonly rejectedByMember: Readonly<Record<number, number>>
}

export const noRejects: KeptRejects = { rowsRejected: 0, rejectedByMember: {}, rejects: [] }

const firstRejectsMax = 10

/**
 * Writes all rejects to a Parquet file, if there are any. The queries give member (its index), line, record, column,
 * expected, received and text; an empty query has no rows.
 */
export async function keepRejects(
  connection: DuckDBConnection,
  queries: readonly string[],
  file: string,
): Promise<KeptRejects> {
  const rows = queries
    .filter(sql => sql !== '')
    .map(sql => `SELECT * FROM (${sql})`)
    .join(' UNION ALL ')
  if (rows === '') return noRejects
  await connection.run(scanErrorTable)
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE fanmill_rejects AS SELECT * FROM (${rows}) AS r(m, line, record, "column", expected, received, text)`,
  )
  const counts = await connection.runAndReadAll('SELECT CAST(m AS INTEGER), count(*) FROM fanmill_rejects GROUP BY ALL')
  const rejectedByMember = Object.fromEntries(
    counts.getRows().map(([member, count]) => [Number(member), Number(count)]),
  )
  const rowsRejected = Object.values(rejectedByMember).reduce((sum, count) => sum + count, 0)
  if (rowsRejected === 0) return noRejects
  await connection.run(`COPY (${rejectList}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`)
  const first = await connection.runAndReadAll(`${rejectList} LIMIT ${firstRejectsMax}`)
  return { rowsRejected, rejectedByMember, rejects: [{ file, first: first.getRowObjects().map(toReject) }] }
}

const rejectList = `SELECT ${memberField('m', 'archive')} AS archive, ${memberField('m', 'member')} AS member, CAST(line AS BIGINT) AS line,
  CAST(record AS BIGINT) AS record, "column", expected, received, text FROM fanmill_rejects ORDER BY CAST(m AS INTEGER), CAST(record AS BIGINT)`

/** The columns of a file of rejects; files of older runs have no `text`. */
export const rejectSchema = ['archive', 'member', 'line', 'record', 'column', 'expected', 'received', 'text'].map(
  name => ({ name, type: name === 'line' || name === 'record' ? 'BIGINT' : 'VARCHAR' }),
)

/** The scan makes this table when it meets a bad record. */
const scanErrorTable = `CREATE TEMP TABLE IF NOT EXISTS fanmill_errors (file_id UBIGINT, line UBIGINT, byte_position UBIGINT,
  column_name VARCHAR, error_type VARCHAR, csv_line VARCHAR, error_message VARCHAR)`

/** Removes the bad records that the last scan kept. */
export async function dropScanErrors(connection: DuckDBConnection): Promise<void> {
  await connection.run('DROP TABLE IF EXISTS fanmill_errors; DROP TABLE IF EXISTS fanmill_scans')
}

/**
 * The records that the scan kept in the table `fanmill_errors`. It may have several errors of one record, of which the
 * first counts. The located prefix stands before the record's text.
 */
export function badRecords(format: TextFormat): string {
  const { delimiter } = layoutOfText(format)
  const field = (index: number): string => `split_part(csv_line, ${quoteText(delimiter)}, ${index})`
  const prefix = prefixColumns.length
  const fieldCount = `CAST(regexp_extract(error_message, 'Number of Columns: (\\d+) Found: (\\d+)', 1) AS INTEGER) - ${prefix} || ' fields'`
  const expected = `CASE error_type
    WHEN 'TOO MANY COLUMNS' THEN ${fieldCount}
    WHEN 'MISSING COLUMNS' THEN ${fieldCount}
    WHEN 'UNQUOTED VALUE' THEN 'a closing quote at the end of the field'
    WHEN 'LINE SIZE OVER MAXIMUM' THEN 'a record of at most 64 MiB'
    ELSE error_message END`
  const column = `CASE WHEN error_type LIKE '%COLUMNS' THEN '' ELSE coalesce(regexp_replace(column_name, '^text ', ''), '') END`
  const rest = `array_to_string(string_split(csv_line, ${quoteText(delimiter)})[${prefix + 1}:], ${quoteText(delimiter)})`
  return `SELECT ${field(1)}, ${field(2)}, ${field(3)}, ${column}, ${expected}, left(${rest}, 200), left(${rest}, ${recordCharactersMax})
    FROM (SELECT DISTINCT ON (file_id, line) * FROM fanmill_errors ORDER BY file_id, line, byte_position)`
}

/** Records that staging set aside, because the engine would read them wrongly: see `setAside` of a staged file. */
export function asideRecords(files: readonly string[]): string {
  if (files.length === 0) return ''
  const text = "json_extract_string(text, '$')"
  return `SELECT m, line, record, json_extract_string("column", '$'), expected, left(${text}, 200), ${text}
    FROM ${scanLines(files, ['m', 'line', 'record', 'column', 'expected', 'text'])}`
}

const toReject = (row: Readonly<Record<string, unknown>>): Reject => ({
  archive: String(row.archive),
  member: String(row.member),
  line: Number(row.line),
  record: Number(row.record),
  column: String(row.column),
  expected: String(row.expected),
  received: String(row.received),
})
