/** Loads broadcast tables into an engine before it is locked. */
import type { Columns, Format } from '../define/definition.ts'
import { sqlType } from './column-sql.ts'
import { quoteName, quoteText, quoteTexts } from './quote.ts'

/** A table's content as a local file. */
export interface TableFile {
  readonly name: string
  readonly file: string
  readonly format: Format
  readonly columns?: Columns
}

/** One statement a table. Declared columns are typed as declared; without any, as the engine finds them. */
export function loadTables(tables: readonly TableFile[]): string[] {
  return tables.map(table => `CREATE TABLE ${quoteName(table.name)} AS SELECT * FROM ${scan(table)}`)
}

function scan({ file, format, columns }: TableFile): string {
  const types = columns && `{${Object.entries(columns).map(([name, column]) => `${quoteText(name)}: ${quoteText(sqlType(column))}`).join(', ')}}`
  switch (format.kind) {
    case 'parquet':
      return `read_parquet(${quoteText(file)})`
    case 'jsonLines':
      return `read_json(${quoteText(file)}, format = 'newline_delimited'${types ? `, columns = ${types}` : ''})`
    case 'lines':
      return `(SELECT unnest(regexp_extract(content, ${quoteText(format.pattern)}, ${quoteTexts(groups(format.pattern))})) FROM read_csv(${quoteText(file)}, columns = {'content': 'VARCHAR'}, delim = '\u001e', quote = '', escape = '', header = false, auto_detect = false))`
    case 'csv': {
      const { delimiter, quote, escape, header, nullValues, skip } = format
      const dialect = `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(escape)}, header = ${header}, skip = ${skip}`
      const nulls = nullValues.length > 0 ? `, nullstr = ${quoteTexts(nullValues)}` : ''
      // Every row is sniffed: a table is small, and a type found late would fail the load.
      return `read_csv(${quoteText(file)}, ${dialect}${nulls}, allow_quoted_nulls = false, sample_size = -1${types ? `, types = ${types}` : ''})`
    }
  }
}

const groups = (pattern: string): string[] => [...pattern.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)].map(match => match[1] ?? '')
