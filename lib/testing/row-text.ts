/** Writes a test's rows as text in the format of a source, so that they are read like real input. */
import { Buffer, isUtf8 } from 'node:buffer'
import { namesInFile } from '../define/columns/file-names.ts'
import type { ColumnDefinition, Columns, CsvFormat, DeclaredEncoding, Format } from '../define/definition.ts'
import { isWide } from '../define/formats/format-kind.ts'
import { type JsonStep, readJsonPath } from '../define/formats/json-path.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import { encodeText } from '../text/encoding.ts'
import { encodeUtf16 } from '../text/utf16.ts'

export type TestRow = Readonly<Record<string, unknown>>

/** @throws USAGE for a key of a row that is not a column: a misspelt key would silently become a null */
export function checkKeys(rows: readonly TestRow[], columns: Columns): void {
  const names = Object.keys(columns)
  for (const [index, row] of rows.entries()) {
    const unknown = Object.keys(row).find(key => !names.includes(key))
    if (unknown === undefined) continue
    const message = `rows[${index}]: expected columns of the task, got ${unknown}; ${nearestOrAll(unknown, names)}; give files for columns that the task does not declare`
    throw new PermanentError('USAGE', message, { row: index, key: unknown })
  }
}

type RowWriter<F extends Format> = (rows: readonly TestRow[], format: F, columns: Columns) => RowFile

interface RowFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** How rows are written in each format; undefined for formats that rows cannot be written in. */
const writers: { readonly [K in Format['kind']]: RowWriter<Extract<Format, { kind: K }>> | undefined } = {
  csv: (rows, format, columns) => ({
    name: 'rows.csv',
    bytes: bytesOf(csvText(rows, format, columns), format.encoding),
  }),
  jsonLines: (rows, { encoding }, columns) => ({
    name: 'rows.jsonl',
    bytes: bytesOf(rows.map(row => `${jsonLine(row, columns)}\n`).join(''), encoding),
  }),
  json: (rows, { path, encoding }, columns) => ({
    name: 'rows.json',
    bytes: bytesOf(
      documentText(
        rows.map(row => jsonLine(row, columns)),
        path,
      ),
      encoding,
    ),
  }),
  avro: undefined,
  fixedWidth: undefined,
  lines: undefined,
  parquet: undefined,
  xlsx: undefined,
  xml: undefined,
}

/** Creates a file of the rows, in the order of the columns. @throws USAGE for formats that rows cannot be written in */
export function rowFile(rows: readonly TestRow[], format: Format | undefined, columns: Columns = {}): RowFile {
  const write = format && (writers[format.kind] as RowWriter<Format> | undefined)
  if (write) return write(rows, format, columns)
  const message = `rows: expected a task that reads csv(), jsonLines() or json(), got ${format?.kind ?? 'no format'}; give files instead`
  throw new PermanentError('USAGE', message)
}

/** @throws USAGE for a character that the encoding does not have */
function bytesOf(text: string, encoding: DeclaredEncoding = 'utf-8'): Uint8Array {
  if (isWide(encoding)) return encodeUtf16(text, encoding)
  const bytes = encodeText(text, encoding)
  if (bytes) return bytes
  const foreign = Array.from(text).find(character => encodeText(character, encoding) === undefined)
  const message = `rows: expected characters of ${encoding}, as the format says, got ${JSON.stringify(foreign)}; leave it out, or give files`
  throw new PermanentError('USAGE', message, { character: foreign, encoding })
}

function csvText(rows: readonly TestRow[], format: CsvFormat, columns: Columns): string {
  const names = [...new Set([...Object.keys(columns), ...rows.flatMap(row => Object.keys(row))])]
  const line = (fields: readonly string[]): string => `${fields.join(format.delimiter)}\n`
  const header = format.header ? line(names.map(name => csvField(nameInFile(name, columns), format))) : ''
  const records = rows.map(row => line(names.map(name => csvField(textOf(row[name], columns[name]), format))))
  const { skip, skipAfterHeader = 0, footer = 0 } = format
  const units = `${format.delimiter}\n`.repeat(skipAfterHeader)
  return `${'\n'.repeat(skip)}${header}${units}${records.join('')}${`${format.delimiter}\n`.repeat(footer)}`
}

/** Puts records where a path finds them. */
function documentText(records: readonly string[], path = '$[*]'): string {
  const steps = readJsonPath(path) ?? []
  if (!steps.includes('*')) return records.map(record => nested(record, steps)).join('\n')
  const last = steps.lastIndexOf('*')
  const inner = records.map(record => nested(record, steps.slice(last + 1)))
  return nested(`[${inner.join(',\n')}]`, steps.slice(0, last))
}

const nested = (text: string, steps: readonly JsonStep[]): string =>
  steps.reduceRight((inner, step) => (step === '*' ? `[${inner}]` : `{${JSON.stringify(step.key)}:${inner}}`), text)

const nameInFile = (name: string, columns: Columns): string => namesInFile(name, columns[name])[0] as string

/** Writes a null as an empty field, and quotes every text that would be read differently without quotes. */
function csvField(text: string | null, { delimiter, quote, escape: escaped, nullValues, comment }: CsvFormat): string {
  if (text === null) return nullValues.includes('') ? '' : (nullValues[0] ?? '')
  const isPlain =
    text !== '' && ![delimiter, quote, '\n', '\r', comment ?? '\n'].some(mark => mark !== '' && text.includes(mark))
  if (isPlain && !nullValues.includes(text) && text.trim() === text) return text
  if (quote === '' && escaped !== '') return escapedField(text, { delimiter, escape: escaped })
  if (quote === '') return text
  return (
    quote +
    text.replaceAll(escaped, escaped + escaped).replaceAll(quote, escaped === quote ? quote : escaped + quote) +
    quote
  )
}

function escapedField(text: string, { delimiter, escape: escaped }: Pick<CsvFormat, 'delimiter' | 'escape'>): string {
  const letters: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', [delimiter]: delimiter, [escaped]: escaped }
  return Array.from(text, each => (letters[each] === undefined ? each : escaped + letters[each])).join('')
}

function jsonLine(row: TestRow, columns: Columns): string {
  const plain = Object.entries(row).map(([name, value]) => [nameInFile(name, columns), jsonValue(value, columns[name])])
  return JSON.stringify(Object.fromEntries(plain))
}

function jsonValue(value: unknown, column: ColumnDefinition | undefined): unknown {
  const { fields, items } = column ?? {}
  if (items && Array.isArray(value)) return value.map(item => jsonValue(item, items))
  if (fields && typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, own]) => [nameInFile(name, fields), jsonValue(own, fields[name])]),
    )
  const isText = value instanceof Date || typeof value === 'bigint' || value instanceof Uint8Array
  return isText ? textOf(value, column) : value
}

/** Returns a value as text that the column reads; null for a null. */
function textOf(value: unknown, column: ColumnDefinition | undefined): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return dateText(value, column)
  if (value instanceof Uint8Array) return bytesText(value)
  if (typeof value !== 'object') return plainText(value, column)
  return JSON.stringify(jsonValue(value, column))
}

/** @throws USAGE for a value whose column says how its text is written */
function plainText(value: unknown, column: ColumnDefinition | undefined): string {
  const option = typeof value === 'string' ? undefined : writingOptions.find(name => column?.[name])
  if (option === undefined) return String(value)
  const message = `rows: expected a text, as the column has ${option}, got ${String(value)}; write it as it stands in the input`
  throw new PermanentError('USAGE', message)
}

const writingOptions = [
  'true',
  'decimalSeparator',
  'thousandsSeparator',
  'currency',
  'parentheses',
  'percent',
  'duration',
] as const

/** Returns bytes of a binary column as text: a file of text can hold only those. */
function bytesText(value: Uint8Array): string {
  if (isUtf8(value)) return Buffer.from(value).toString('utf8')
  throw new PermanentError('USAGE', 'rows: expected the bytes of a UTF-8 text, got others; give a Parquet file instead')
}

function dateText(value: Date, column: ColumnDefinition | undefined): string {
  if (column?.format !== undefined) {
    const message = `rows: expected a text as ${column.format}, got a Date; write it as it stands in the input`
    throw new PermanentError('USAGE', message)
  }
  const text = value.toISOString()
  if (column?.type === 'date') return text.slice(0, 10)
  return column?.type === 'timestamp' ? text.slice(0, -1) : text
}
