/** Reads staged files with the real engine, for tests. */
import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import type { CsvFormat } from '../../lib/define/definition.ts'
import { lineDelimiter, type TextFormat } from '../../lib/define/formats/format-kind.ts'
import { csv } from '../../lib/define/index.ts'
import type { StagedFile } from '../../lib/stage/staged-file.ts'

export const csvFormat: CsvFormat = csv()

const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await instance.connect()
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

export interface StagedRows {
  readonly rows: (string | null)[][]
  /** How many records the engine refused, or staging set aside. */
  readonly rejectedCount: number
  /** Second field of these records: their lines, if located. */
  readonly rejectedLines: number[]
}

/** The rows of a staged file in file order, located prefix included; `width` says how many columns there are without a header. */
export async function readStaged(staged: StagedFile, format: TextFormat, width = 2): Promise<StagedRows> {
  const aside = linesAside(staged)
  if (staged.bytes === 0) return { rows: [], rejectedCount: aside.length, rejectedLines: aside }
  const names = staged.columns.length > 0 ? staged.columns : Array.from({ length: width }, (_, index) => `c${index}`)
  const columns = [...(staged.located ? ['m', 'l', 'r'] : []), ...names].map(
    (name, index) => `${text(`${index} ${name}`)}: 'VARCHAR'`,
  )
  const dialect = format.kind === 'csv' ? format : { delimiter: lineDelimiter, quote: '', escape: '' }
  const result =
    await connection.runAndReadAll(`SELECT * FROM read_csv(${text(staged.file)}, columns = {${columns.join(', ')}},
    auto_detect = false, header = false, allow_quoted_nulls = false, nullstr = '', max_line_size = 4000000, buffer_size = 8000000,
    new_line = '${staged.newline === 'crlf' ? '\\r\\n' : '\\n'}', delim = ${text(dialect.delimiter)}, quote = ${text(dialect.quote)}, escape = ${text(dialect.escape)}, store_rejects = true)`)
  const rejects = await connection.runAndReadAll('SELECT DISTINCT ON (line) csv_line FROM reject_errors ORDER BY line')
  await connection.run('DROP TABLE reject_errors; DROP TABLE reject_scans')
  const refused = rejects.getRowsJson().map(([line]) => Number(String(line).split(dialect.delimiter)[1]))
  const lines = [...refused, ...aside].sort((a, b) => a - b)
  return { rows: result.getRowsJson() as (string | null)[][], rejectedCount: lines.length, rejectedLines: lines }
}

function linesAside({ setAside }: StagedFile): number[] {
  if (setAside === undefined) return []
  const records = readFileSync(setAside, 'utf8').trimEnd().split('\n')
  return records.map(record => Number(record.split(lineDelimiter)[1]))
}
