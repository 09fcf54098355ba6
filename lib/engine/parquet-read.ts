/** Reads Parquet files into the declared columns, or as they are when none are declared; footers say what is in them. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import { placeOf } from '../core/member-place.ts'
import { nearest } from '../core/nearest.ts'
import type { TaskDefinition } from '../define/definition.ts'
import type { StagedFile, StagedMember } from '../io/stage.ts'
import { misfit } from './column-sql.ts'
import { misfitCondition, misfitText, mustRead, tryRead } from './parquet-values.ts'
import { runValue } from './provenance-sql.ts'
import { quoteName, quoteText, quoteTexts } from './quote.ts'
import { allRead, type ExtraColumns, emptyRead, newMap, placeColumns, type ReadColumn } from './read-columns.ts'

export interface ParquetOptions extends ExtraColumns {
  readonly columns: readonly ReadColumn[]
  readonly strict: boolean
  /** Default `ignore`. */
  readonly onNewColumn?: TaskDefinition['onNewColumn']
  /** Default `fail`. */
  readonly onMissingColumn?: TaskDefinition['onMissingColumn']
  /** Of a broadcast table, whose columns cannot be left out. Default false. */
  readonly isTable?: boolean
}

/** A file as it was staged, and where it came from. */
type GivenFile = Pick<StagedFile, 'file'> & {
  readonly members: readonly Pick<StagedMember, 'archive' | 'member' | 'index'>[]
}

/** A staged file and the columns that its footer names. */
export interface ParquetFile {
  readonly file: string
  readonly origin: Pick<StagedMember, 'archive' | 'member'>
  /** Of its staged member. */
  readonly index: number
  readonly columns: readonly ReadColumn[]
}

/** The columns of each file. @throws INPUT_INVALID for one that is no Parquet */
export async function describeParquet(
  connection: DuckDBConnection,
  files: readonly GivenFile[],
): Promise<ParquetFile[]> {
  const described: ParquetFile[] = []
  for (const { file, members } of files) {
    const { archive, member, index } = members[0] ?? { archive: file, member: '', index: 0 }
    const origin = { archive, member }
    const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${scan([file])}`).catch((error: Error) => {
      throw notParquet(origin, file, error)
    })
    const columns = reader
      .getRowObjects()
      .map(row => ({ name: String(row.column_name), type: String(row.column_type) }))
    described.push({ file, origin, index, columns })
  }
  return described
}

function notParquet(origin: ParquetFile['origin'], file: string, error: Error): PermanentError {
  const problem = error.message.split('\n')[0]?.replaceAll(file, placeOf(origin))
  return new PermanentError('INPUT_INVALID', `${placeOf(origin)}: expected a Parquet file: ${problem}`, origin, {
    cause: error,
  })
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

/**
 * Columns are found by name; a value that does not fit fails the query.
 * @throws COLUMN_MISSING, COLUMN_NEW; INPUT_INVALID for a file with a column `file_row_number`
 */
export function parquetRead(files: readonly ParquetFile[], options: ParquetOptions, guard?: string): string {
  for (const file of files) checkColumns(file, options)
  return union(files, options, (own, from, extra) => {
    const value: ReadValue = column => mustRead(column, { own, strict: options.strict })
    const list = `SELECT ${selectList(options.columns, value, extra)} FROM ${from}`
    if (guard === undefined) return list
    // As with text: every column takes part in the guard's argument, by name, so none goes unchecked.
    const names = options.columns.map(({ name }) => quoteName(name))
    const visible = [...names, ...options.provenance, ...(options.keepNew ? ['_new'] : [])].join(', ')
    return `SELECT ${visible} FROM (SELECT *, ${guard}(${allRead(names)}) AS _fanmill_seen FROM (${list})) WHERE _fanmill_seen`
  })
}

export interface CarefulParquetOptions {
  /** A boolean function of the engine that the rows pass through. */
  readonly guard: string
  /** Give the columns of the row's place (`placeColumns`) as well. Default false. */
  readonly hasPlaces?: boolean
}

/** The rows of which every value fits. The others are those of `parquetMisfits`. @throws COLUMN_MISSING, COLUMN_NEW */
export function carefulParquetRead(
  files: readonly ParquetFile[],
  options: ParquetOptions,
  { guard, hasPlaces = false }: CarefulParquetOptions,
): string {
  for (const file of files) checkColumns(file, options)
  const query = (own: readonly ReadColumn[], from: string, extra: Extra): string => {
    const value: ReadValue = column => tryRead(column, { own, strict: options.strict })
    const bad = misfitOf(options, own)
    // The guard counts only rows that fit, as with text.
    const fit = `${guard}(_fanmill_file IS NOT NULL)`
    const condition = bad === undefined ? fit : `CASE WHEN ${bad} THEN false ELSE ${fit} END`
    return `SELECT ${selectList(options.columns, value, extra)} FROM ${from} WHERE ${condition}`
  }
  return union(files, options, query, hasPlaces)
}

/** A row of Parquet has no text; its first values are what was received. */
function placesOf(group: readonly ParquetFile[], { columns }: ParquetOptions): string[] {
  const own = (group[0]?.columns ?? []).filter(({ name }) => columns.some(column => column.name === name))
  const values = own.slice(0, shownColumnsMax).map(({ name }) => `${quoteText(name)}: ${quoteName(name)}`)
  const received = values.length === 0 ? "''" : `CAST({${values.join(', ')}} AS VARCHAR)`
  const row = 'CAST(file_row_number + 1 AS VARCHAR)'
  const member = byFile(group, ({ index }) => String(index))
  return [member, row, row, received, "''"].map((value, index) => `${value} AS ${placeColumns[index]}`)
}

/** More than this are not seen in 200 characters. */
const shownColumnsMax = 40

/**
 * The rows that do not fit, each with its first misfitting column: member (its index), line and record (both the row's
 * number, from 1), column, expected, received. Empty where every value fits.
 */
export function parquetMisfits(files: readonly ParquetFile[], options: ParquetOptions): string {
  const selects = groupsOf(files).flatMap(group => {
    const own = group[0]?.columns ?? []
    const value = { own, strict: options.strict }
    const anyBad = misfitOf(options, own)
    if (anyBad === undefined) return []
    const cases = options.columns.flatMap(column => {
      const bad = misfitCondition(column, value)
      const { expected, received } = misfitText(column, value)
      return bad === undefined ? [] : [`WHEN ${bad} THEN ${misfit(column.name, expected, received)}`]
    })
    const member = byFile(group, ({ index }) => String(index))
    const row = 'CAST(file_row_number + 1 AS VARCHAR)'
    return `SELECT ${member} AS member, ${row} AS line, ${row} AS record, unnest(CASE ${cases.join(' ')} END) FROM ${placedScan(group)} WHERE ${anyBad}`
  })
  return selects.join(' UNION ALL ')
}

const scan = (files: readonly string[], more = ''): string =>
  `read_parquet(${quoteTexts(files)}, hive_partitioning = false, union_by_name = false${more})`

/** With a column that tells the file of each row; the engine's own name for it may be that of a column of the file. */
const placedScan = (group: readonly ParquetFile[]): string =>
  scan(
    group.map(({ file }) => file),
    ", filename = '_fanmill_file'",
  )

/** Files with the same columns in the same order are one scan. */
function groupsOf(files: readonly ParquetFile[]): ParquetFile[][] {
  return [...Map.groupBy(files, file => JSON.stringify(file.columns)).values()]
}

function checkColumns({ origin, columns }: ParquetFile, options: ParquetOptions): void {
  const names = columns.map(column => column.name)
  if (names.some(name => name.toLowerCase() === 'file_row_number'))
    throw new PermanentError(
      'INPUT_INVALID',
      `${placeOf(origin)}: expected no column file_row_number, by which the engine numbers rows, got one; rename it`,
      { ...origin },
    )
  const missing = options.columns.map(column => column.name).filter(name => !names.includes(name))
  if (missing.length > 0 && options.onMissingColumn !== 'null') {
    const close = missing.flatMap(name => nearest(name, names, 1))
    const hint = close.length > 0 ? ` (nearest: ${close.join(', ')})` : ''
    const remedy = options.isTable ? 'mend the columns' : "mend the columns, or set onMissingColumn: 'null'"
    throw new PermanentError(
      'COLUMN_MISSING',
      `${placeOf(origin)}: expected the columns ${options.columns.map(column => column.name).join(', ')}, got a file without ${missing.join(', ')}${hint}; ${remedy}`,
      { ...origin, missing },
    )
  }
  const added = names.filter(name => !options.columns.some(column => column.name === name))
  if (added.length > 0 && options.onNewColumn === 'fail')
    throw new PermanentError(
      'COLUMN_NEW',
      `${placeOf(origin)}: expected only declared columns, got ${added.join(', ')}; declare them, or set onNewColumn: 'ignore'`,
      { ...origin, added },
    )
}

type ReadValue = (column: ReadColumn) => string
type Extra = readonly string[]

/** One query for each group of like files, of no rows where there are no files. */
function union(
  files: readonly ParquetFile[],
  options: ParquetOptions,
  query: (own: readonly ReadColumn[], from: string, extra: Extra) => string,
  hasPlaces = false,
): string {
  const selects = groupsOf(files).map(group => {
    const own = group[0]?.columns ?? []
    const provenance = options.provenance.map(name => `${provenanceOf(name, group)} AS ${name}`)
    const kept = options.keepNew ? [`${newColumns(own, options)} AS _new`] : []
    const places = hasPlaces ? placesOf(group, options) : []
    return query(own, placedScan(group), [...provenance, ...kept, ...places])
  })
  return selects.join(' UNION ALL ') || emptyRead(options.columns, options, hasPlaces)
}

const selectList = (columns: readonly ReadColumn[], value: ReadValue, extra: Extra): string =>
  [...columns.map(column => `${value(column)} AS ${quoteName(column.name)}`), ...extra].join(', ')

function misfitOf({ columns, strict }: ParquetOptions, own: readonly ReadColumn[]): string | undefined {
  const conditions = columns.map(column => misfitCondition(column, { own, strict })).filter(each => each !== undefined)
  return conditions.length === 0 ? undefined : `(${conditions.join(' OR ')})`
}

function newColumns(own: readonly ReadColumn[], { columns }: ParquetOptions): string {
  const added = own.filter(({ name }) => !columns.some(column => column.name === name))
  return newMap(added.map(({ name }) => [name, `CAST(${quoteName(name)} AS VARCHAR)`]))
}

function provenanceOf(name: string, group: readonly ParquetFile[]): string {
  if (name === '_line') return 'file_row_number + 1'
  const ofRun = runValue(name)
  if (ofRun !== undefined) return ofRun
  return byFile(group, ({ origin }) => (name === '_archive' ? origin.archive : origin.member))
}

/** The staged file tells the member; its rows are numbered from 0. */
const byFile = (group: readonly ParquetFile[], of: (file: ParquetFile) => string): string =>
  `CASE _fanmill_file ${group.map(each => `WHEN ${quoteText(each.file)} THEN ${quoteText(of(each))}`).join(' ')} END`
