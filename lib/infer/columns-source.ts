/** Writes columns and formats as the TypeScript that defines them, to paste. */
import type { ColumnDefinition, Format } from '../define/definition.ts'
import { columnCountMax } from '../define/tasks/task-checks.ts'

/** The options that say how texts are written. */
export const writingOptions = [
  'format',
  'decimalSeparator',
  'thousandsSeparator',
  'currency',
  'parentheses',
  'percent',
] as const

export type InferredColumn = Pick<
  ColumnDefinition,
  'type' | 'precision' | 'scale' | 'nullValues' | 'from' | (typeof writingOptions)[number]
> & {
  /** Type of a list's items. */
  readonly items?: InferredColumn
  /** Another format, or other separators, that fit every text as well. */
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

type Options = Readonly<Record<string, unknown>>

/** The options of each format in the order in which they are written, with their defaults. */
const formatOptions: { readonly [K in Format['kind']]: Options } = {
  avro: {},
  csv: {
    ...{ delimiter: ',', quote: '"', escape: undefined, header: true, comment: undefined, skip: 0 },
    ...{ skipAfterHeader: undefined, footer: undefined, shortRows: undefined, matchNames: undefined },
    ...{ nullValues: [''], encoding: 'utf-8' },
  },
  fixedWidth: { columns: undefined, skip: 0, footer: 0, shortRows: 'reject', encoding: 'utf-8' },
  json: { path: undefined, encoding: 'utf-8' },
  jsonLines: { encoding: 'utf-8' },
  lines: { pattern: undefined, encoding: 'utf-8' },
  parquet: {},
  xlsx: { sheet: undefined, headerRow: 1, matchNames: undefined },
  xml: { record: undefined, lists: undefined },
}

function formatSource(format: Format): string {
  const defaults = { ...formatOptions[format.kind], ...(format.kind === 'csv' && { escape: format.quote }) }
  const given: Options = { ...format }
  const values = Object.fromEntries(Object.keys(defaults).map(name => [name, given[name]]))
  const options = written(values, defaults)
  return `${format.kind === 'parquet' ? 'parquetFiles' : format.kind}(${options})`
}

/** Writes the options that are given and differ from their defaults; an empty text where there are none. */
function written(options: Options, defaults: Options = {}): string {
  const isGiven = ([name, value]: [string, unknown]): boolean =>
    value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name])
  const given = Object.entries(options).filter(isGiven)
  return given.length === 0 ? '' : valueSource(Object.fromEntries(given))
}

/** Writes a value as TypeScript. */
function valueSource(value: unknown): string {
  if (typeof value === 'string') return literal(value)
  if (Array.isArray(value)) return `[${value.map(valueSource).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).map(([name, each]) => `${keyText(name)}: ${valueSource(each)}`)
  return `{ ${entries.join(', ')} }`
}

function columnSource({ type, precision, scale, items, from, ...column }: InferredColumn): string {
  const given = { ...column, from: single(from), currency: single(column.currency) }
  const names = ['from', ...writingOptions, 'nullValues'] as const
  const options = written(Object.fromEntries(names.map(name => [name, given[name]])), { nullValues: [] })
  const sizes = type === 'decimal' ? [String(precision), String(scale)] : []
  const parts = type === 'list' ? [items ? columnSource(items) : 'column.json()'] : sizes
  return `column.${type}(${[...parts, options].filter(Boolean).join(', ')})`
}

const single = (texts: readonly string[] | undefined) => (texts?.length === 1 ? texts[0] : texts)

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
