/** Finds out what columns a sample of data has: for each the first type that every text of it fits, read strictly. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Inferred, InferredColumn, SniffedCsv } from '../core/columns-source.ts'
import type { ColumnDefinition, CsvFormat, JsonLinesFormat } from '../define/definition.ts'
import type { StagedFile } from '../io/stage.ts'
import { fits, tryConvert } from './column-sql.ts'
import { engineFault } from './engine.ts'
import { columnOfType } from './engine-type.ts'
import { describeParquet, type GivenParquet, ownColumns } from './parquet-read.ts'
import { quoteText, quoteTexts } from './quote.ts'
import { type TextSource, textSources } from './text-source.ts'

/** The dialect of a CSV file; what cannot be told is left out. @throws ENGINE_FAILED when it is none */
export async function sniffCsv(
  connection: DuckDBConnection,
  file: string,
  delimiter?: string,
): Promise<SniffedCsv & { readonly fieldCount: number }> {
  const given = delimiter === undefined ? '' : `, delim = ${quoteText(delimiter)}`
  const sniff = async (more: string): Promise<Record<string, unknown> | undefined> =>
    (await query(connection, `${sniffSelect} FROM sniff_csv(${quoteText(file)}, sample_size = -1${given}${more})`))[0]
  const guessed = await sniff('')
  // Rows that are taken for comments are lost without a word: only lines that do not have the fields of the others are.
  const plain = guessed?.Comment === '(empty)' ? guessed : await sniff(", comment = ''").catch(() => undefined)
  const found = plain && Number(plain.fields) >= Number(guessed?.fields) ? plain : guessed
  const text = (name: string): string | undefined =>
    found?.[name] === '(empty)' || found?.[name] == null ? undefined : String(found[name])
  const [quote, escaped, comment] = [text('Quote'), text('Escape'), text('Comment')]
  return {
    delimiter: delimiter ?? text('Delimiter') ?? ',',
    header: found?.HasHeader !== false,
    skip: Number(found?.SkipRows ?? 0),
    fieldCount: Number(found?.fields ?? 0),
    ...(quote !== undefined && { quote }),
    ...(escaped !== undefined && { escape: escaped }),
    ...(comment !== undefined && { comment }),
  }
}

const sniffSelect = 'SELECT Delimiter, Quote, Escape, Comment, SkipRows, HasHeader, len(Columns) AS fields'

export interface TextSample {
  /** None of it located. */
  readonly files: readonly StagedFile[]
  readonly format: CsvFormat | JsonLinesFormat
  /** Of a CSV without header, whose columns get names by position. */
  readonly fieldCount: number
}

/** Columns of staged text. */
export async function inferText(connection: DuckDBConnection, sample: TextSample): Promise<Inferred> {
  const { files, format } = sample
  const found = format.kind === 'csv' ? csvNames(files, format, sample.fieldCount) : await jsonTypes(connection, files)
  const names = found.flatMap(({ name, others }) => [name, ...others])
  const columns = Object.fromEntries(names.map(name => [name, { kind: 'column', type: 'string' } as const]))
  const sources = textSources(files, { format, columns, badRecords: 'ignore' })
  const selects = sources.map(
    source =>
      `SELECT ${found.map((each, at) => `CAST(${textOf(source, each)} AS VARCHAR) AS t${at}`).join(', ')} FROM ${source.from}`,
  )
  if (names.length === 0 || selects.length === 0) {
    const untyped = found.map(each => [each.name, noted({ type: 'string' }, each)])
    return { columns: Object.fromEntries(untyped), nullValues: [], rows: 0 }
  }
  await query(connection, `CREATE OR REPLACE TEMP TABLE fanmill_sample AS ${selects.join(' UNION ALL ')}`)
  const inferred: [string, InferredColumn][] = []
  const nullValues = new Set<string>()
  for (const [at, each] of found.entries()) {
    const { column, nulls } = await inferOne(connection, `t${at}`, each.known)
    for (const text of nulls) nullValues.add(text)
    inferred.push([each.name, noted(column, each)])
  }
  const [count] = (await query(connection, 'SELECT count(*) AS n FROM fanmill_sample')) as [{ n: bigint }]
  return { columns: Object.fromEntries(inferred), nullValues: [...nullValues], rows: Number(count.n) }
}

/** Columns of a prepared Parquet file, as they are. @throws INPUT_INVALID for one that cannot be read */
export async function inferParquet(connection: DuckDBConnection, file: GivenParquet): Promise<Inferred> {
  const [described] = await describeParquet(connection, [file])
  const columns = described ? ownColumns(described).map(({ name, type }) => [name, columnOfType(type)]) : []
  return { columns: Object.fromEntries(columns), nullValues: [], rows: 0 }
}

/** A type that is known already, or undefined where texts decide. */
type Known = InferredColumn | 'text' | undefined

/** A column in its first spelling, with those that differ in case: a definition takes only one of them. */
interface FoundColumn {
  readonly name: string
  readonly others: readonly string[]
  readonly known: Known
}

function bySpelling(names: readonly string[], known: (name: string) => Known): FoundColumn[] {
  const groups = Map.groupBy(new Set(names), name => name.toLowerCase())
  return [...groups.values()].map(([name = '', ...others]) => ({ name, others, known: known(name) }))
}

const noted = (column: InferredColumn, { others }: FoundColumn): InferredColumn =>
  others.length === 0 ? column : { ...column, note: `also written ${others.join(', ')}, which is not read as this` }

function textOf(source: TextSource, { name, others }: FoundColumn): string {
  const texts = [name, ...others].map(each => source.text(each)).filter(text => text !== undefined)
  return texts.length === 0 ? 'NULL' : `coalesce(${texts.join(', ')})`
}

function csvNames(files: readonly StagedFile[], format: CsvFormat, fieldCount: number): FoundColumn[] {
  const names = format.header
    ? files.flatMap(file => file.columns)
    : Array.from({ length: fieldCount }, (_, index) => `column_${index + 1}`)
  return bySpelling(names, () => undefined)
}

/** The JSON's own types; texts in it may be dates. */
async function jsonTypes(connection: DuckDBConnection, files: readonly StagedFile[]): Promise<FoundColumn[]> {
  const list = quoteTexts(files.filter(file => file.bytes > 0).map(file => file.file))
  if (list === '[]') return []
  const described = await query(
    connection,
    `DESCRIBE SELECT * FROM read_json(${list}, format = 'newline_delimited', sample_size = -1, ignore_errors = true)`,
  )
  const types = new Map(described.map(({ column_name, column_type }) => [String(column_name), String(column_type)]))
  // A key that differs from another in case has a number in its described name.
  const keys = await query(
    connection,
    `SELECT DISTINCT unnest(json_keys(json)) AS key FROM read_ndjson_objects(${list}, ignore_errors = true) WHERE json_type(json) = 'OBJECT' ORDER BY 1`,
  )
  const names = [...types.keys(), ...keys.map(({ key }) => String(key))].filter(name =>
    keys.some(({ key }) => key === name),
  )
  return bySpelling(names, name => jsonType(types.get(name) ?? 'VARCHAR'))
}

function jsonType(type: string): Known {
  if (/^(VARCHAR|DATE|TIME|TIMESTAMP|UUID)/.test(type) && !type.endsWith('[]')) return 'text'
  return /^(BIGINT|DOUBLE)$/.test(type) ? undefined : columnOfType(type)
}

interface Candidate {
  readonly column: InferredColumn
  /** What a text of it must be besides. */
  readonly also?: (text: string) => string
}

const notPadded = (text: string): string => `NOT regexp_matches(${text}, '^[+-]?0[0-9]')`

const numericDates = ['%d/%m/%Y', '%m/%d/%Y', '%d.%m.%Y', '%d-%m-%Y', '%m-%d-%Y', '%Y/%m/%d']
const dateFormats = [...numericDates, '%b %d %Y', '%d %b %Y', '%d-%b-%Y']
const timeFormats = ['%H:%M:%S', '%H:%M', '%I:%M:%S %p', '%I:%M %p']
const timestampFormats = dateFormats.flatMap(date => timeFormats.map(time => `${date} ${time}`))

/** In order: an identifier with leading zeros, or of more digits than a float keeps, stays a text. */
const numbers: readonly Candidate[] = [
  { column: { type: 'int64' }, also: notPadded },
  {
    column: { type: 'float64' },
    also: text => `${notPadded(text)} AND NOT regexp_full_match(${text}, '[+-]?[0-9]{16,}')`,
  },
  { column: { type: 'bool' }, also: text => `lower(${text}) IN ('true', 'false')` },
]
const times: readonly Candidate[] = [
  { column: { type: 'date' } },
  { column: { type: 'timestamp' } },
  { column: { type: 'timestamptz' }, also: text => `regexp_matches(${text}, '^[0-9]{4}-')` },
  { column: { type: 'time' } },
  ...dateFormats.map(format => ({ column: { type: 'date', format } as const })),
  ...timestampFormats.map(format => ({ column: { type: 'timestamp', format } as const })),
]

/** What many programs write for "not there". */
const nullMarks = ['NA', 'N/A', 'n/a', '#N/A', 'NULL', 'null', 'None', 'NaN', 'nan', '\\N', '-', '--', '.', '?']

async function inferOne(
  connection: DuckDBConnection,
  text: string,
  known: Known,
): Promise<{ column: InferredColumn; nulls: readonly string[] }> {
  if (known !== undefined && known !== 'text') return { column: known, nulls: [] }
  const candidates = known === 'text' ? times : [...numbers, ...times]
  for (const marks of [[], nullMarks]) {
    const fitting = await fittingOf(connection, text, candidates, marks)
    const [first] = fitting
    if (!first) continue
    const other = fitting.find(
      ({ column }) => column.type === first.column.type && column.format !== first.column.format,
    )
    const orFormat =
      first.column.format !== undefined && other?.column.format !== undefined ? { orFormat: other.column.format } : {}
    return { column: { ...first.column, ...orFormat }, nulls: await marksIn(connection, text, marks) }
  }
  return { column: { type: 'string' }, nulls: [] }
}

/** Most candidates fail within so many texts, and formats are slow to try. */
const firstTexts = 100

/** The candidates that every text fits which is none of the marks; none where there is no such text. */
async function fittingOf(
  connection: DuckDBConnection,
  text: string,
  candidates: readonly Candidate[],
  marks: readonly string[],
): Promise<readonly Candidate[]> {
  const unmarked = marks.length === 0 ? '' : ` AND ${text} NOT IN (${marks.map(quoteText).join(', ')})`
  const texts = `SELECT ${text} FROM fanmill_sample WHERE ${text} IS NOT NULL${unmarked}`
  const likely = await passing(connection, `${texts} LIMIT ${firstTexts}`, text, candidates)
  return passing(connection, texts, text, likely)
}

async function passing(
  connection: DuckDBConnection,
  texts: string,
  text: string,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[]> {
  if (candidates.length === 0) return []
  const tests = candidates.map(({ column, also }) => {
    const definition = { kind: 'column', ...column } as ColumnDefinition
    const fit = fits(definition, text, tryConvert(definition, text, true), true)
    return `bool_and(${also ? `(${fit} AND ${also(text)})` : fit})`
  })
  const [row = []] = (await connection.runAndReadAll(`SELECT ${tests.join(', ')} FROM (${texts})`)).getRows()
  return candidates.filter((_, index) => row[index] === true)
}

async function marksIn(connection: DuckDBConnection, text: string, marks: readonly string[]): Promise<string[]> {
  if (marks.length === 0) return []
  const found = await query(
    connection,
    `SELECT DISTINCT ${text} AS mark FROM fanmill_sample WHERE ${text} IN (${marks.map(quoteText).join(', ')}) ORDER BY 1`,
  )
  return found.map(({ mark }) => String(mark))
}

async function query(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects() as Record<string, unknown>[]
  } catch (error) {
    throw engineFault(error)
  }
}
