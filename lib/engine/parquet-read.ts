/** Reads Parquet files into the declared columns, or as they are when none are declared; footers say what is in them. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { ColumnDefinition, Columns, TaskDefinition } from '../define/definition.ts'
import type { StagedFile, StagedMember } from '../io/stage.ts'
import { expectedText, fits, sqlType, tryConvert } from './column-sql.ts'
import { quoteName, quoteText, quoteTexts } from './quote.ts'

/** A column as it comes out of the files. */
export interface ParquetColumn {
  readonly name: string
  readonly type: string
  readonly definition?: ColumnDefinition
}

export interface ParquetOptions {
  readonly columns: readonly ParquetColumn[]
  readonly strict: boolean
  readonly keepNew: boolean
  readonly provenance: readonly string[]
  readonly onNewColumn: TaskDefinition['onNewColumn']
  readonly onMissingColumn: TaskDefinition['onMissingColumn']
}

/** A staged file and the columns that its footer names. */
export interface ParquetFile {
  readonly file: string
  readonly origin: Pick<StagedMember, 'archive' | 'member'>
  readonly columns: readonly ParquetColumn[]
}

/** The columns of each file. @throws INPUT_INVALID for one that is no Parquet */
export async function describeParquet(
  connection: DuckDBConnection,
  files: readonly StagedFile[],
): Promise<ParquetFile[]> {
  const described: ParquetFile[] = []
  for (const { file, members } of files) {
    const origin = members[0] ?? { archive: file, member: '' }
    const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${scan([file])}`).catch((error: Error) => {
      throw notParquet(origin, file, error)
    })
    const columns = reader
      .getRowObjects()
      .map(row => ({ name: String(row.column_name), type: String(row.column_type) }))
    described.push({ file, origin, columns })
  }
  return described
}

function notParquet(origin: ParquetFile['origin'], file: string, error: Error): PermanentError {
  const problem = error.message.split('\n')[0]?.replaceAll(file, placeOf(origin))
  return new PermanentError(
    'INPUT_INVALID',
    `${placeOf(origin)}: expected a Parquet file: ${problem}`,
    originOf(origin),
    { cause: error },
  )
}

/** Rows of each file as its footer counts them, whatever a scan finds. @throws INPUT_INVALID */
export async function countFooters(connection: DuckDBConnection, files: readonly StagedFile[]): Promise<number[]> {
  if (files.length === 0) return []
  const query = `SELECT file_name, num_rows FROM parquet_file_metadata(${quoteTexts(files.map(file => file.file))})`
  const reader = await connection.runAndReadAll(query).catch(async (error: Error) => {
    // Which of them it is, reading one by one tells.
    await describeParquet(connection, files)
    throw error
  })
  const rows = new Map(reader.getRows().map(([file, count]) => [String(file), Number(count)]))
  return files.map(({ file }) => rows.get(file) ?? 0)
}

/** The declared columns with the engine's types. */
export const declaredColumns = (columns: Columns): ParquetColumn[] =>
  Object.entries(columns).map(([name, definition]) => ({ name, type: sqlType(definition), definition }))

/**
 * Columns are found by name; one that does not fit fails the query, and `parquetMisfit` says which.
 * @throws COLUMN_MISSING, COLUMN_NEW
 */
export function parquetRead(files: readonly ParquetFile[], options: ParquetOptions, guard?: string): string {
  for (const file of files) checkColumns(file, options)
  const selects = groupsOf(files).map(group => selectOf(group, options, guard))
  return selects.join(' UNION ALL ') || emptyRead(options)
}

/** No rows of the same columns. */
export function emptyRead({
  columns,
  provenance,
  keepNew,
}: Pick<ParquetOptions, 'columns' | 'provenance' | 'keepNew'>): string {
  const list = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`)
  const own = provenance.map(name => `CAST(NULL AS ${name === '_line' ? 'BIGINT' : 'VARCHAR'}) AS ${name}`)
  return `SELECT ${[...list, ...own, ...(keepNew ? ['CAST(NULL AS MAP(VARCHAR, VARCHAR)) AS _new'] : [])].join(', ')} WHERE false`
}

/** The first value that does not fit its column, as an error; undefined when all do. */
export async function parquetMisfit(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  options: ParquetOptions,
): Promise<PermanentError | undefined> {
  for (const file of files)
    for (const column of options.columns) {
      const from = file.columns.find(each => each.name === column.name)
      const bad = from && badValue(column, from, options.strict)
      if (!from || !bad) continue
      const reader = await connection.runAndReadAll(
        `SELECT file_row_number, left(CAST(${quoteName(column.name)} AS VARCHAR), 200) FROM ${scan([file.file])} WHERE ${bad} LIMIT 1`,
      )
      const [row] = reader.getRows()
      if (row) return misfitError(file, column, { line: Number(row[0]) + 1, received: String(row[1]) })
    }
  return undefined
}

function misfitError(
  { origin }: ParquetFile,
  column: ParquetColumn,
  { line, received }: { readonly line: number; readonly received: string },
): PermanentError {
  const expected = column.definition ? expectedText(column.definition) : column.type
  const tell = (got: string): string =>
    `${placeOf(origin)}, row ${line}: column ${column.name}: expected ${expected}, got ${got}; declare the type that the file has, or set strict: false`
  const detail = { ...originOf(origin), line, column: column.name, expected, received }
  return new PermanentError('INPUT_INVALID', tell(received), detail, {
    publicMessage: tell('a value that fanmill status shows'),
  })
}

const scan = (files: readonly string[]): string =>
  `read_parquet(${quoteTexts(files)}, hive_partitioning = false, union_by_name = false)`

const placeOf = ({ archive, member }: ParquetFile['origin']): string =>
  member === '' ? archive : `${archive}, member ${member}`

const originOf = ({ archive, member }: ParquetFile['origin']) => ({ archive, member })

/** Files with the same columns in the same order are one scan. */
function groupsOf(files: readonly ParquetFile[]): ParquetFile[][] {
  return [...Map.groupBy(files, file => JSON.stringify(file.columns)).values()]
}

function checkColumns({ origin, columns }: ParquetFile, options: ParquetOptions): void {
  const names = columns.map(column => column.name)
  const missing = options.columns.map(column => column.name).filter(name => !names.includes(name))
  if (missing.length > 0 && options.onMissingColumn === 'fail') {
    const close = missing.flatMap(name => nearest(name, names, 1))
    const hint = close.length > 0 ? ` (nearest: ${close.join(', ')})` : ''
    throw new PermanentError(
      'COLUMN_MISSING',
      `${placeOf(origin)}: expected the columns ${options.columns.map(column => column.name).join(', ')}, got a file without ${missing.join(', ')}${hint}; mend the columns, or set onMissingColumn: 'null'`,
      { ...originOf(origin), missing },
    )
  }
  const added = names.filter(name => !options.columns.some(column => column.name === name))
  if (added.length > 0 && options.onNewColumn === 'fail')
    throw new PermanentError(
      'COLUMN_NEW',
      `${placeOf(origin)}: expected only declared columns, got ${added.join(', ')}; declare them, or set onNewColumn: 'ignore'`,
      { ...originOf(origin), added },
    )
}

function selectOf(group: readonly ParquetFile[], options: ParquetOptions, guard?: string): string {
  const own = group[0]?.columns ?? []
  const list = options.columns.map(column => `${valueSql(column, own, options)} AS ${quoteName(column.name)}`)
  const kept = options.keepNew ? [`${newColumns(own, options)} AS _new`] : []
  const from = scan(group.map(file => file.file))
  const names = [
    ...options.columns.map(column => column.name),
    ...options.provenance,
    ...(options.keepNew ? ['_new'] : []),
  ]
  const provenance = options.provenance.map(name => `${provenanceOf(name, group)} AS ${name}`)
  const select = [...list, ...provenance, ...kept].join(', ')
  if (guard === undefined) return `SELECT ${select} FROM ${from}`
  // As with text: every column takes part in the guard's argument, so none goes unchecked.
  const all = options.columns.map(column => `(CAST(${valueSql(column, own, options)} IS NULL AS UTINYINT))`).join(' + ')
  return `SELECT ${names.map(quoteName).join(', ')} FROM (SELECT ${select}, ${guard}((${all || 0}) >= 0) AS _fanmill_seen FROM ${from}) WHERE _fanmill_seen`
}

function valueSql(column: ParquetColumn, own: readonly ParquetColumn[], { strict }: ParquetOptions): string {
  const from = own.find(each => each.name === column.name)
  if (!from)
    return column.definition?.required
      ? `error(${quoteText(`column ${column.name} is missing`)})`
      : `CAST(NULL AS ${column.type})`
  const name = quoteName(column.name)
  const value = from.type === column.type ? name : tryValue(column, from, strict)
  const bad = badValue(column, from, strict)
  return bad === undefined
    ? value
    : `CASE WHEN ${bad} THEN error(${quoteText(`a value of column ${column.name} does not fit`)}) ELSE ${value} END`
}

function tryValue(column: ParquetColumn, from: ParquetColumn, strict: boolean): string {
  const name = quoteName(column.name)
  if (from.type === 'VARCHAR' && column.definition) return tryConvert(column.definition, name, strict)
  return `TRY_CAST(${name} AS ${column.type})`
}

/** A condition on one value, undefined where every value fits. */
function badValue(column: ParquetColumn, from: ParquetColumn, strict: boolean): string | undefined {
  const { definition, type } = column
  const name = quoteName(column.name)
  const absent = definition?.required ? `${name} IS NULL` : undefined
  if (from.type === type) return absent
  const value = tryValue(column, from, strict)
  if (from.type === 'VARCHAR' && definition) return `NOT ${fits(definition, name, value, strict)}`
  const conditions = [`${value} IS NULL`]
  if (type === 'FLOAT' || type === 'DOUBLE') conditions.push(`(isinf(${value}) AND NOT isinf(CAST(${name} AS DOUBLE)))`)
  else if (strict && type !== 'VARCHAR' && type !== 'JSON')
    conditions.push(`TRY_CAST(${value} AS ${from.type}) IS DISTINCT FROM ${name}`)
  const lossy = `(${name} IS NOT NULL AND (${conditions.join(' OR ')}))`
  return absent === undefined ? lossy : `(${absent} OR ${lossy})`
}

function newColumns(own: readonly ParquetColumn[], { columns }: ParquetOptions): string {
  const added = own.filter(({ name }) => !columns.some(column => column.name === name))
  const entries = added.map(({ name }) => `{'key': ${quoteText(name)}, 'value': CAST(${quoteName(name)} AS VARCHAR)}`)
  return entries.length === 0 ? 'CAST(MAP {} AS MAP(VARCHAR, VARCHAR))' : `map_from_entries([${entries.join(', ')}])`
}

/** The staged file tells the member; its rows are numbered from 0. */
function provenanceOf(name: string, group: readonly ParquetFile[]): string {
  if (name === '_line') return 'file_row_number + 1'
  const of = ({ origin }: ParquetFile): string => (name === '_archive' ? origin.archive : origin.member)
  return `CASE filename ${group.map(each => `WHEN ${quoteText(each.file)} THEN ${quoteText(of(each))}`).join(' ')} END`
}
