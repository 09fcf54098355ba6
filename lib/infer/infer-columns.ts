/** Finds the columns of staged JSON lines and Parquet files by the engine's own description of them. */
import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api'
import type { JsonLinesFormat } from '../define/definition.ts'
import { engineFault } from '../duckdb/engine.ts'
import { quoteTexts } from '../duckdb/quote.ts'
import { columnTypes, describeParquet, type GivenParquet } from '../engine/read/parquet/describe.ts'
import { textSources } from '../engine/read/staged-sources.ts'
import type { TextSource } from '../engine/read/text/text-source.ts'
import { engineName } from '../errors/engine-name.ts'
import { scalarName } from '../model/type-names.ts'
import type { StagedFile } from '../stage/staged-file.ts'
import type { Inferred, InferredColumn } from './columns-source.ts'

/** A column in its first spelling, with the spellings that differ in case: a definition may have only one of them. */
export interface FoundColumn {
  readonly name: string
  readonly others: readonly string[]
  /** Whether all spellings are read as this column, because no file has two of them. Default false. */
  readonly isOne?: boolean
  /** The name in the data, where the definition has another one. */
  readonly from?: string
  /** Undefined where the texts decide about the type. */
  readonly column?: InferredColumn
  /** Distinct texts of the sample; those of JSON strings are no numbers. */
  readonly texts: ReadonlySet<string>
  readonly isText: boolean
}

/** Returns names in their first spelling, each with those that differ from it in case. */
export function bySpelling(names: Iterable<string>): { readonly name: string; readonly others: readonly string[] }[] {
  const groups = Map.groupBy(new Set(names), engineName)
  return [...groups.values()].map(([name = '', ...others]) => ({ name, others }))
}

/** Returns the columns of staged JSON lines, with the texts of those whose texts decide about the type. */
export async function describeJson(
  connection: DuckDBConnection,
  files: readonly StagedFile[],
  format: JsonLinesFormat,
): Promise<FoundColumn[]> {
  const types = await jsonTypes(connection, files)
  const found = bySpelling(types.keys()).map(({ name, others }) => ({ name, others, ...typeOf(types.get(name) ?? '') }))
  const undecided = found.filter(({ column }) => column === undefined)
  const texts = new Map<string, ReadonlySet<string>>()
  for (let start = 0; start < undecided.length; start += columnsAtOnce)
    await readTexts(connection, { files, format, columns: undecided.slice(start, start + columnsAtOnce), texts })
  return found.map(each => ({ ...each, texts: texts.get(each.name) ?? new Set() }))
}

/** Columns whose texts one query reads: enough for few queries, few enough for the engine's memory. */
const columnsAtOnce = 200

/** Returns the types that the engine finds in JSON by key; texts may be dates. */
async function jsonTypes(
  connection: DuckDBConnection,
  files: readonly StagedFile[],
): Promise<ReadonlyMap<string, string>> {
  const list = quoteTexts(files.filter(file => file.bytes > 0).map(file => file.file))
  if (list === '[]') return new Map()
  const described = await query(
    connection,
    `DESCRIBE SELECT * FROM read_json(${list}, format = 'newline_delimited', sample_size = -1, ignore_errors = true)`,
  )
  const types = new Map(
    described.getRowObjects().map(({ column_name, column_type }) => [String(column_name), String(column_type)]),
  )
  // A key that differs from another in case has a number in its described name.
  const keys = await query(
    connection,
    `SELECT DISTINCT unnest(json_keys(json)) AS key FROM read_ndjson_objects(${list}, ignore_errors = true) WHERE json_type(json) = 'OBJECT' ORDER BY 1`,
  )
  const names = new Set(keys.getRowObjects().map(({ key }) => String(key)))
  const ordered = [...[...types.keys()].filter(name => names.has(name)), ...names]
  return new Map(ordered.map(name => [name, types.get(name) ?? 'VARCHAR']))
}

function typeOf(type: string): Pick<FoundColumn, 'column' | 'isText'> {
  if (/^(VARCHAR|DATE|TIME|TIMESTAMP|UUID)/.test(type) && !type.endsWith('[]')) return { isText: true }
  return /^(BIGINT|DOUBLE)$/.test(type) ? { isText: false } : { isText: false, column: columnOfType(type) }
}

interface JsonTexts {
  readonly files: readonly StagedFile[]
  readonly format: JsonLinesFormat
  readonly columns: readonly Pick<FoundColumn, 'name' | 'others'>[]
  readonly texts: Map<string, ReadonlySet<string>>
}

async function readTexts(connection: DuckDBConnection, { files, format, columns, texts }: JsonTexts): Promise<void> {
  const names = columns.flatMap(({ name, others }) => [name, ...others])
  const declared = Object.fromEntries(names.map(name => [name, { kind: 'column', type: 'string' } as const]))
  const sets = columns.map(() => new Set<string>())
  for (const source of textSources(files, { format, columns: declared, badRecords: 'ignore' })) {
    const list = columns.map(each => `CAST(${textOf(source, each)} AS VARCHAR)`)
    const read = await query(connection, `SELECT ${list.join(', ')} FROM ${source.from}`)
    for (const row of read.getRows())
      for (const [at, text] of row.entries()) if (typeof text === 'string') sets[at]?.add(text)
  }
  for (const [at, { name }] of columns.entries()) texts.set(name, sets[at] ?? new Set())
}

function textOf(source: TextSource, { name, others }: Pick<FoundColumn, 'name' | 'others'>): string {
  const texts = [name, ...others].map(each => source.text(each)).filter(text => text !== undefined)
  return texts.length === 0 ? 'NULL' : `coalesce(${texts.join(', ')})`
}

export async function describeParquetColumns(
  connection: DuckDBConnection,
  file: GivenParquet,
): Promise<Pick<Inferred, 'columns' | 'unreadable'>> {
  const [described] = await describeParquet(connection, [file])
  const columns = described ? columnTypes(described) : []
  return {
    columns: Object.fromEntries(
      columns.flatMap(({ name, type }) => (type === undefined ? [] : [[name, columnOfType(type)]])),
    ),
    unreadable: Object.fromEntries(
      columns.flatMap(({ name, type, refused }) => (type === undefined ? [[name, typeNamed(refused)]] : [])),
    ),
  }
}

/** Names the type of a column that cannot be read, by the message about it. */
function typeNamed(refused = ''): string {
  if (refused.includes('VARIANT')) return 'VARIANT'
  return refused.includes('decimal') ? 'DECIMAL of more than 38 digits' : 'that the engine does not read'
}

async function query(connection: DuckDBConnection, sql: string): Promise<DuckDBResultReader> {
  try {
    return await connection.runAndReadAll(sql)
  } catch (error) {
    throw engineFault(error)
  }
}

/** Types without a definition of their own. */
const similar: Readonly<Record<string, InferredColumn['type']>> = {
  UUID: 'string',
  'TIME WITH TIME ZONE': 'time',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
}

/** Returns the column for a type of the engine; structs and maps become JSON. */
function columnOfType(type: string): InferredColumn {
  if (type.endsWith('[]')) {
    const items = columnOfType(type.slice(0, -2))
    return items.type === 'json' ? items : { type: 'list', items }
  }
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal) return { type: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  if (type === 'TIMESTAMP_NS')
    return { type: 'timestamp', note: 'the nanoseconds below a microsecond make rejects, unless strict: false' }
  if (/^U?HUGEINT$/.test(type)) return { type: 'decimal', precision: 38, scale: 0 }
  return { type: scalarName(type) ?? similar[type] ?? 'json' }
}
