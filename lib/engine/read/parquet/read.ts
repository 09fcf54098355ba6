/** Reads Parquet files into the declared columns, or with their own columns when none are declared. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { ColumnDefinition } from '../../../define/definition.ts'
import { quoteName, quoteText } from '../../../duckdb/quote.ts'
import { hiveValues } from '../../../paths/hive-columns.ts'
import { misfit } from '../column-sql.ts'
import { runValue } from '../provenance-sql.ts'
import {
  allRead,
  emptyRead,
  guardedRows,
  newMap,
  placeColumns,
  type ReadColumn,
  type RowGuard,
} from '../read-columns.ts'
import type { CarefulOptions } from '../typed-read.ts'
import { byPosition, type ParquetFile, parquetFault, scan } from './describe.ts'
import { checkColumns, namesOf, type ParquetOptions, pathColumnsOf, readNames } from './names.ts'
import { type FileColumn, type SourceOptions, sourceSql } from './source.ts'
import { misfitCondition, misfitText, mustRead, tryRead, type ValueOptions } from './values.ts'

/** Reads each file alone. @throws INPUT_INVALID for the first that the engine cannot read */
export async function checkReadable(
  connection: DuckDBConnection,
  files: readonly ParquetFile[],
  options: ParquetOptions,
): Promise<void> {
  const names = options.columns.map(({ name }) => quoteName(name))
  for (const file of files) {
    const read = union([file], options, (group, from, extra) => {
      const value: ReadValue = column => tryRead(column, valueOptions(column, group, options))
      return `SELECT ${selectList(options.columns, value, extra)} FROM ${from}`
    })
    await connection.run(`SELECT count(*) FROM (${read}) WHERE ${allRead(names)}`).catch((error: Error) => {
      throw parquetFault(error, [file])
    })
  }
}

/**
 * Returns a query of the files, with columns found by name. It fails on a value that does not fit.
 * @throws COLUMN_MISSING, COLUMN_NEW; INPUT_INVALID for a column that cannot be read
 */
export function parquetRead(files: readonly ParquetFile[], options: ParquetOptions, guard?: RowGuard): string {
  checkKinds(files, options)
  return union(files, options, (group, from, extra) => {
    const value: ReadValue = column => mustRead(column, valueOptions(column, group, options))
    const list = `SELECT ${selectList(options.columns, value, extra)} FROM ${from}`
    if (guard === undefined) return list
    const names = options.columns.map(({ name }) => name)
    return guardedRows(list, guard, { ...options, names, checked: checkedColumns(group, options) })
  })
}

/**
 * Whether a column of any file has to be read and checked for each row. Where none has, the engine needs no guard: the number of the rows
 * is in the footers from which it reads them.
 */
export const needsGuard = (files: readonly ParquetFile[], options: ParquetOptions): boolean =>
  groupsOf(files, options).some(group => checkedColumns(group, options).length > 0)

const checkedColumns = (group: readonly ParquetFile[], options: ParquetOptions): string[] =>
  options.columns.filter(column => needsCheck(column, valueOptions(column, group, options))).map(({ name }) => name)

/** Whether a column is read also where no step uses it: a declared one, or one of which values may not fit. */
const needsCheck = (column: ReadColumn, options: ValueOptions): boolean =>
  column.definition !== undefined || misfitCondition(column, options) !== undefined

/** Returns a query of the rows whose values all fit. The others are those of `parquetMisfits`. @throws COLUMN_MISSING, COLUMN_NEW */
export function carefulParquetRead(
  files: readonly ParquetFile[],
  options: ParquetOptions,
  { guard, hasPlaces = false }: Pick<CarefulOptions, 'hasPlaces'> & { readonly guard: string },
): string {
  checkKinds(files, options)
  const query = (group: readonly ParquetFile[], from: string, extra: Extra): string => {
    const value: ReadValue = column => tryRead(column, valueOptions(column, group, options))
    const bad = misfitOf(options, group)
    // The guard counts only rows that fit, as with text.
    const fit = `${guard}(file_index IS NOT NULL)`
    const condition = bad === undefined ? fit : `CASE WHEN ${bad} THEN false ELSE ${fit} END`
    return `SELECT ${selectList(options.columns, value, extra)} FROM ${from} WHERE ${condition}`
  }
  return union(files, options, query, hasPlaces)
}

/** The place of a row of Parquet: it has no text, and its first values are `received`. */
function placesOf(group: readonly ParquetFile[], { columns, strict }: ParquetOptions): string[] {
  const read = readNames(columns)
  const values = (group[0]?.columns ?? []).flatMap(column => {
    if (!read.has(column.name)) return []
    return [`${quoteText(column.name)}: ${sourceSql(column, { strict, wants: 'own' }).value}`]
  })
  const shown = values.slice(0, shownColumnsMax)
  const received = shown.length === 0 ? "''" : `CAST({${shown.join(', ')}} AS VARCHAR)`
  const row = `CAST(${rowNumber(group)} + 1 AS VARCHAR)`
  const member = byFile(group, ({ index }) => String(index))
  return [member, row, row, received, "''"].map((value, index) => `${value} AS ${placeColumns[index]}`)
}

/** `received` is cut at 200 characters, which have no room for more values. */
const shownColumnsMax = 40

/**
 * Returns a query of the rows that do not fit, each with its first misfitting column: member (its index), line and record (both the row's
 * number, from 1), column, expected, received, and an empty text. Empty where every value fits.
 */
export function parquetMisfits(files: readonly ParquetFile[], options: ParquetOptions): string {
  const selects = groupsOf(files, options).flatMap(group => {
    const anyBad = misfitOf(options, group)
    if (anyBad === undefined) return []
    const cases = options.columns.flatMap(column => {
      const value = valueOptions(column, group, options)
      const bad = misfitCondition(column, value)
      const { expected, received } = misfitText(column, value)
      return bad === undefined ? [] : [`WHEN ${bad} THEN ${misfit(column.name, expected, received)}`]
    })
    const member = byFile(group, ({ index }) => String(index))
    const row = `CAST(${rowNumber(group)} + 1 AS VARCHAR)`
    return `SELECT ${member} AS member, ${row} AS line, ${row} AS record, unnest(CASE ${cases.join(' ')} END), '' AS text FROM ${scanGroup(group)} WHERE ${anyBad}`
  })
  return selects.join(' UNION ALL ')
}

/** Returns a FROM clause over the files of a group, with the rows that are read. */
function scanGroup(group: readonly ParquetFile[]): string {
  const names = group[0]?.columns.map(({ name }) => name) ?? []
  const from = `${scan(group.map(({ file }) => file))}${byPosition(names)}`
  const ranges = group[0]?.rowRanges?.map(({ start, end }) => `file_row_number BETWEEN ${start} AND ${end - 1}`)
  // The engine leaves out row groups by the numbers of their rows.
  return ranges ? `(SELECT *, file_row_number, file_index FROM ${from} WHERE ${ranges.join(' OR ') || 'false'})` : from
}

/** Returns the number of a row in its file, from 0, as SQL. */
function rowNumber(group: readonly ParquetFile[]): string {
  if (group.every(({ gaps }) => !gaps)) return 'file_row_number'
  const byIndex = group.map(({ gaps = [] }, index) => {
    const cases = gaps.toReversed().map(({ start, skipped }) => `WHEN file_row_number >= ${start} THEN ${skipped}`)
    return `WHEN ${index} THEN ${cases.length > 0 ? `CASE ${cases.join(' ')} END` : 0}`
  })
  return `(file_row_number + CASE file_index ${byIndex.join(' ')} END)`
}

/** Groups files with the same columns in the same order, which one scan reads. */
function groupsOf(files: readonly ParquetFile[], options: ParquetOptions): ParquetFile[][] {
  const keyOf = (file: ParquetFile): string => {
    const { schemaKey, partition = {}, rowRanges } = file
    // Ranges of rows are conditions on one file.
    const alone = rowRanges && file.file
    return JSON.stringify([schemaKey, pathColumnsOf(file, options), Object.keys(partition), alone])
  }
  return [...Map.groupBy(files, keyOf).values()]
}

function valueOptions(column: ReadColumn, group: readonly ParquetFile[], options: ParquetOptions): ValueOptions {
  const { strict } = options
  const own = group[0]?.columns ?? []
  if (group[0] && pathColumnsOf(group[0], options).includes(column.name)) {
    const value = byFile(group, ({ origin }) => hiveValues(origin.archive)[column.name] ?? null)
    return { strict, source: { type: 'VARCHAR', value } }
  }
  if (Object.hasOwn(group[0]?.partition ?? {}, column.name)) {
    const type = options.dataset?.find(({ name }) => name === column.name)?.type ?? 'VARCHAR'
    const text = byFile(group, ({ partition }) => partition?.[column.name] ?? null)
    return { strict, source: { type, value: `CAST(${text} AS ${type})` } }
  }
  const names = namesOf(column)
  const found = own.find(each => names.includes(each.name))
  return { strict, source: found && sourceSql(found, { strict, wants: wantsOf(column.definition) }) }
}

function wantsOf(definition: ColumnDefinition | undefined): SourceOptions['wants'] {
  if (!definition) return 'own'
  if (definition.type === 'list' && definition.items) return wantsOf(definition.items)
  return definition.type === 'binary' ? 'binary' : 'text'
}

/** Checks one file for each schema: there may be thousands of files. */
function checkKinds(files: readonly ParquetFile[], options: ParquetOptions): void {
  for (const [file] of groupsOf(files, options)) if (file) checkColumns(file, options)
}

type ReadValue = (column: ReadColumn) => string
type Extra = readonly string[]

/** Returns the union of one query for each group of files; a query without rows if there are no files. */
function union(
  files: readonly ParquetFile[],
  options: ParquetOptions,
  query: (group: readonly ParquetFile[], from: string, extra: Extra) => string,
  hasPlaces = false,
): string {
  const selects = groupsOf(files, options).map(group => {
    const own = group[0]?.columns ?? []
    const provenance = options.provenance.map(name => `${provenanceOf(name, group)} AS ${name}`)
    const kept = options.keepNew ? [`${newColumns(own, options)} AS _new`] : []
    const places = hasPlaces ? placesOf(group, options) : []
    return query(group, scanGroup(group), [...provenance, ...kept, ...places])
  })
  return selects.join(' UNION ALL ') || emptyRead(options.columns, options, hasPlaces)
}

const selectList = (columns: readonly ReadColumn[], value: ReadValue, extra: Extra): string =>
  [...columns.map(column => `${value(column)} AS ${quoteName(column.name)}`), ...extra].join(', ')

function misfitOf(options: ParquetOptions, group: readonly ParquetFile[]): string | undefined {
  const conditions = options.columns
    .map(column => misfitCondition(column, valueOptions(column, group, options)))
    .filter(each => each !== undefined)
  return conditions.length === 0 ? undefined : `(${conditions.join(' OR ')})`
}

function newColumns(own: readonly FileColumn[], { columns, strict }: ParquetOptions): string {
  const read = readNames(columns)
  const added = own.flatMap(column => {
    if (read.has(column.name)) return []
    const { value } = sourceSql(column, { strict, wants: 'own' })
    return [[column.name, `CAST(${value} AS VARCHAR)`] as const]
  })
  return newMap(added)
}

function provenanceOf(name: string, group: readonly ParquetFile[]): string {
  if (name === '_line') return `${rowNumber(group)} + 1`
  const ofRun = runValue(name)
  if (ofRun !== undefined) return ofRun
  return byFile(group, ({ origin }) => (name === '_archive' ? origin.archive : origin.member))
}

/** Returns a text for each file of the scan, as SQL. */
function byFile(group: readonly ParquetFile[], textOf: (file: ParquetFile) => string | null): string {
  const texts = group.map(textOf).map(text => (text === null ? 'CAST(NULL AS VARCHAR)' : quoteText(text)))
  return texts.every(text => text === texts[0])
    ? (texts[0] ?? 'NULL')
    : `[${texts.join(', ')}][CAST(file_index AS BIGINT) + 1]`
}
