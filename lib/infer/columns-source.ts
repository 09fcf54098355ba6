/** Writes columns and formats as the TypeScript that defines them, to paste. */
import type { ColumnDefinition, CsvFormat, FieldRange, Format } from '../define/definition.ts'
import { columnCountMax } from '../define/task-checks.ts'

export type InferredColumn = Pick<
  ColumnDefinition,
  'type' | 'format' | 'precision' | 'scale' | 'nullValues' | 'from'
> & {
  /** Type of a list's items. */
  readonly items?: InferredColumn
  /** Another format that fits every text as well. */
  readonly orFormat?: string
  /** A remark to read before the column is pasted. */
  readonly note?: string
}

/** The columns of a sample. */
export interface Inferred {
  readonly columns: Readonly<Record<string, InferredColumn>>
  /** Rows of the sample that fit the proposal; 0 where types come with the data. */
  readonly rows: number
  /** Rows of the sample that do not fit the proposal. */
  readonly rowsRejected: number
  /** Columns whose type no column of Fanmill can hold, with that type. */
  readonly unreadable: Readonly<Record<string, string>>
}

export interface SourceOptions {
  /** Comments above the options. */
  readonly notes?: readonly string[]
  /** Whether some of the files lack some of the columns. */
  readonly isColumnMissing?: boolean
}

/** Returns the options `format` and `columns` of a source and a task; `format` only where it is not plain `csv()`. */
export function definitionSource(
  { columns, unreadable }: Pick<Inferred, 'columns' | 'unreadable'>,
  format: Format,
  { notes = [], isColumnMissing = false }: SourceOptions = {},
): string {
  const formatText = formatSource(format)
  const entries = Object.entries(columns).map(
    ([name, column]) => `  ${keyText(name)}: ${columnSource(column)},${remarkOf(column)}`,
  )
  const left = Object.entries(unreadable).map(
    ([name, type]) => `  // ${keyText(oneLine(name))} is left out: no column holds the type ${type}`,
  )
  return [
    ...notes.map(note => `// ${oneLine(note)}`),
    ...(entries.length > columnCountMax
      ? [`// a task declares at most ${columnCountMax.toLocaleString('en-US')} columns: keep those that you need`]
      : []),
    ...(formatText === 'csv()' ? [] : [`format: ${formatText},`]),
    'columns: {',
    ...entries,
    ...left,
    '},',
    ...(isColumnMissing ? ["onMissingColumn: 'null', // some files lack some of these columns"] : []),
  ].join('\n')
}

const formatSources: { readonly [K in Format['kind']]: (format: Extract<Format, { kind: K }>) => string } = {
  avro: () => 'avro()',
  csv: csvSource,
  fixedWidth: ({ columns, skip, footer, shortRows, encoding }) =>
    call('fixedWidth', [
      `columns: { ${Object.entries(columns).map(placeSource).join(', ')} }`,
      ...(skip === 0 ? [] : [`skip: ${skip}`]),
      ...(footer === 0 ? [] : [`footer: ${footer}`]),
      ...(shortRows === 'reject' ? [] : [`shortRows: ${literal(shortRows)}`]),
      ...encodingOption(encoding),
    ]),
  json: ({ path, encoding }) =>
    call('json', [...(path === undefined ? [] : [`path: ${literal(path)}`]), ...encodingOption(encoding)]),
  jsonLines: ({ encoding }) => call('jsonLines', encodingOption(encoding)),
  lines: ({ pattern, encoding }) => call('lines', [`pattern: ${literal(pattern)}`, ...encodingOption(encoding)]),
  parquet: () => 'parquetFiles()',
  xlsx: ({ sheet, headerRow, matchNames }) =>
    call('xlsx', [
      ...(sheet === undefined ? [] : [`sheet: ${typeof sheet === 'string' ? literal(sheet) : sheet}`]),
      ...(headerRow === 1 ? [] : [`headerRow: ${headerRow}`]),
      ...(matchNames === undefined ? [] : [`matchNames: ${literal(matchNames)}`]),
    ]),
  xml: ({ record, lists }) =>
    call('xml', [`record: ${literal(record)}`, ...(lists === undefined ? [] : [`lists: ${list(lists)}`])]),
}

function formatSource<K extends Format['kind']>(format: Extract<Format, { kind: K }>): string {
  const source: (format: Extract<Format, { kind: K }>) => string = formatSources[format.kind as K]
  return source(format)
}

function csvSource({
  delimiter,
  quote,
  escape: escaped,
  header,
  comment,
  skip,
  skipAfterHeader,
  footer,
  shortRows,
  matchNames,
  nullValues,
  encoding,
}: CsvFormat): string {
  return call('csv', [
    ...(delimiter === ',' ? [] : [`delimiter: ${literal(delimiter)}`]),
    ...(quote === '"' ? [] : [`quote: ${literal(quote)}`]),
    ...(escaped === quote ? [] : [`escape: ${literal(escaped)}`]),
    ...(header ? [] : ['header: false']),
    ...(comment === undefined ? [] : [`comment: ${literal(comment)}`]),
    ...(skip === 0 ? [] : [`skip: ${skip}`]),
    ...(skipAfterHeader === undefined ? [] : [`skipAfterHeader: ${skipAfterHeader}`]),
    ...(footer === undefined ? [] : [`footer: ${footer}`]),
    ...(shortRows === undefined ? [] : [`shortRows: ${literal(shortRows)}`]),
    ...(matchNames === undefined ? [] : [`matchNames: ${literal(matchNames)}`]),
    ...(nullValues.length === 1 && nullValues[0] === '' ? [] : [`nullValues: ${list(nullValues)}`]),
    ...encodingOption(encoding),
  ])
}

const placeSource = ([name, { from, to }]: [string, FieldRange]): string =>
  `${keyText(name)}: { from: ${from}, to: ${to} }`

const encodingOption = (encoding: CsvFormat['encoding'] = 'utf-8'): string[] =>
  encoding === 'utf-8' ? [] : [`encoding: ${literal(encoding)}`]

function columnSource({ type, format, precision, scale, items, nullValues = [], from }: InferredColumn): string {
  const options = [
    ...(from === undefined ? [] : [`from: ${from.length === 1 ? from.map(literal) : list(from)}`]),
    ...(format === undefined ? [] : [`format: ${typeof format === 'string' ? literal(format) : list(format)}`]),
    ...(nullValues.length === 0 ? [] : [`nullValues: ${list(nullValues)}`]),
  ]
  const sizes = type === 'decimal' ? [String(precision), String(scale)] : []
  const parts = type === 'list' ? [items ? columnSource(items) : 'column.json()'] : sizes
  return `column.${type}(${[...parts, ...(options.length === 0 ? [] : [`{ ${options.join(', ')} }`])].join(', ')})`
}

const call = (name: string, options: readonly string[]): string =>
  options.length === 0 ? `${name}()` : `${name}({ ${options.join(', ')} })`

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(', ')}]`

function remarkOf({ orFormat, note }: InferredColumn): string {
  const remarks = [...(orFormat === undefined ? [] : [`or ${orFormat}: the sample fits both`]), ...(note ? [note] : [])]
  return remarks.length === 0 ? '' : ` // ${oneLine(remarks.join('; '))}`
}

/** Returns a text without line ends and control characters, which stays inside its comment. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ')

const keyText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name))

/** Returns a string literal in single quotes. */
export function literal(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')
  return `'${escaped.replaceAll("'", "\\'")}'`
}
