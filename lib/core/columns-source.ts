/** Columns and formats as the TypeScript that defines them, to paste. */
import type { ColumnDefinition, CsvFormat } from '../define/definition.ts'

export type InferredColumn = Pick<ColumnDefinition, 'type' | 'format' | 'precision' | 'scale'> & {
  /** Of a list. */
  readonly items?: InferredColumn
  /** Another format that every text fits as well. */
  readonly orFormat?: string
  /** What to know before it is pasted. */
  readonly note?: string
}

/** What a sample of data was found to be. */
export interface Inferred {
  readonly columns: Readonly<Record<string, InferredColumn>>
  /** Texts that stand for null in columns that hold something else. */
  readonly nullValues: readonly string[]
  /** Rows looked at; 0 where types come with the data. */
  readonly rows: number
}

/** How a CSV text is written, as far as it can be told. */
export type SniffedCsv = Partial<Pick<CsvFormat, 'delimiter' | 'quote' | 'escape' | 'header' | 'skip' | 'comment'>>

/** The options `format` and `columns` of a source and a task; `format` only where it is not plain `csv()`. */
export function definitionSource(inferred: Inferred, format: 'jsonLines' | 'parquet' | SniffedCsv): string {
  const formatLine = formatSource(format, inferred.nullValues)
  const columns = Object.entries(inferred.columns).map(
    ([name, column]) => `  ${keyText(name)}: ${columnSource(column)},${remarkOf(column)}`,
  )
  return [...(formatLine === 'csv()' ? [] : [`format: ${formatLine},`]), 'columns: {', ...columns, '},'].join('\n')
}

function formatSource(format: 'jsonLines' | 'parquet' | SniffedCsv, nullValues: readonly string[]): string {
  if (format === 'jsonLines') return 'jsonLines()'
  if (format === 'parquet') return 'parquetFiles()'
  const { delimiter = ',', quote = '"', escape: escaped = quote, header = true, skip = 0, comment } = format
  const options = [
    ...(delimiter === ',' ? [] : [`delimiter: ${literal(delimiter)}`]),
    ...(quote === '"' ? [] : [`quote: ${literal(quote)}`]),
    ...(escaped === quote ? [] : [`escape: ${literal(escaped)}`]),
    ...(header ? [] : ['header: false']),
    ...(comment === undefined ? [] : [`comment: ${literal(comment)}`]),
    ...(skip === 0 ? [] : [`skip: ${skip}`]),
    ...(nullValues.length === 0 ? [] : [`nullValues: [${nullValues.map(literal).join(', ')}]`]),
  ]
  return options.length === 0 ? 'csv()' : `csv({ ${options.join(', ')} })`
}

function columnSource({ type, format, precision, scale, items }: InferredColumn): string {
  if (type === 'decimal') return `column.decimal(${precision}, ${scale})`
  if (type === 'list') return `column.list(${items ? columnSource(items) : 'column.json()'})`
  return `column.${type}(${format === undefined ? '' : `{ format: ${literal(format)} }`})`
}

function remarkOf({ orFormat, note }: InferredColumn): string {
  const remarks = [...(orFormat === undefined ? [] : [`or ${orFormat}: the sample fits both`]), ...(note ? [note] : [])]
  return remarks.length === 0 ? '' : ` // ${remarks.join('; ').replace(/\s/g, ' ')}`
}

const keyText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name))

/** A string as our style writes it. */
function literal(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  return `'${escaped.replaceAll("'", "\\'")}'`
}
