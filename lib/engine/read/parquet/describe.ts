/** The columns of staged Parquet files, and why one cannot be read. */
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api'
import { engineFault } from '../../../duckdb/engine.ts'
import { quoteName, quoteTexts } from '../../../duckdb/quote.ts'
import { engineName } from '../../../errors/engine-name.ts'
import { FanmillError, PermanentError } from '../../../errors/errors.ts'
import { placeOf } from '../../../model/member-place.ts'
import { typeName } from '../../../model/type-names.ts'
import type { ParquetContent } from '../../../parquet/file.ts'
import type { StagedFile, StagedMember } from '../../../stage/staged-file.ts'
import type { FileColumns } from '../../../stage/staging.ts'
import type { ReadColumn } from '../read-columns.ts'
import { type FileColumn, sourceSql } from './source.ts'

/** A prepared file and its origin. */
export type GivenParquet = Pick<StagedFile, 'file' | 'parquet'> & {
  readonly members: readonly Pick<StagedMember, 'archive' | 'member' | 'index' | 'partition'>[]
}

/** A staged file and its columns, in the order of the file. */
export interface ParquetFile
  extends Pick<ParquetContent, 'schemaKey' | 'rowRanges' | 'gaps'>,
    Pick<StagedMember, 'index' | 'partition'> {
  readonly file: string
  readonly origin: Pick<StagedMember, 'archive' | 'member'>
  readonly columns: readonly FileColumn[]
  /** Names of all columns of the file, in its order. */
  readonly names: readonly string[]
}

/** Returns the columns of each file; files with the same columns are opened once. @throws INPUT_INVALID for a file that the engine cannot open */
export async function describeParquet(
  connection: DuckDBConnection,
  files: readonly GivenParquet[],
): Promise<ParquetFile[]> {
  const known = new Map<string, readonly FileColumn[]>()
  const described: ParquetFile[] = []
  for (const { file, members, parquet } of files) {
    const { archive, member, index, partition } = members[0] ?? { archive: file, member: '', index: 0 }
    const origin = { archive, member }
    if (!parquet)
      throw new PermanentError('STATE_INVALID', `${placeOf(origin)}: expected a Parquet file that is prepared`)
    const { schemaKey } = parquet
    const columns = known.get(schemaKey) ?? (await fileColumns(connection, { file, origin, parquet }))
    known.set(schemaKey, columns)
    const { rowRanges, gaps, names = columns.map(({ name }) => name) } = parquet
    described.push({ file, origin, index, columns, schemaKey, names, rowRanges, gaps, partition })
  }
  return described
}

async function fileColumns(
  connection: DuckDBConnection,
  { file, origin, parquet }: Pick<ParquetFile, 'file' | 'origin'> & { readonly parquet: ParquetContent },
): Promise<readonly FileColumn[]> {
  const result = await connection.run(`SELECT * FROM ${scan([file])} LIMIT 0`).catch((error: Error) => {
    throw parquetFault(error, [{ file, origin }])
  })
  const types = result.columnTypes()
  const isNamed = parquet.isAsWritten && byPosition(parquet.columns.map(({ name }) => name)) === ''
  return parquet.columns.map((column, index) => ({
    ...column,
    from: isNamed ? quoteName(column.name) : `c${index}`,
    type: types[index] as DuckDBType,
  }))
}

/** Replaces the local file in an engine's fault by the input that it is a copy of. */
export function parquetFault(error: Error, files: readonly Pick<ParquetFile, 'file' | 'origin'>[]): Error {
  const named = files.find(({ file }) => error.message.includes(file)) ?? (files.length === 1 ? files[0] : undefined)
  const fault = engineFault(error)
  if (!named || !(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') return fault
  const { file, origin } = named
  const problem = fault.message.replaceAll(file, placeOf(origin))
  const message = `${placeOf(origin)}: expected a Parquet file that can be read: ${problem}`
  return new PermanentError('INPUT_INVALID', message, { ...fault.detail, ...origin }, { cause: error })
}

/** Returns the types of all columns, or why one cannot be read. */
export const columnTypes = (
  file: ParquetFile,
): readonly { readonly name: string; readonly type?: string; readonly refused?: string }[] =>
  file.columns.map(column => {
    const { name, refused } = column
    if (refused !== undefined) return { name, refused }
    return { name, type: sourceSql(column, { strict: true, wants: 'own' }).type }
  })

/** Returns the columns for a task that declares none: all, or those of `used`. @throws INPUT_INVALID for a column that cannot be read, or names that differ only in case */
export function ownColumns(file: ParquetFile, used?: ReadonlySet<string>): readonly ReadColumn[] {
  const names = new Set<string>()
  return file.columns.flatMap((column, position) => {
    const { name } = column
    if (used && !used.has(name)) return []
    if (names.has(engineName(name)))
      throw refusal(
        file,
        name,
        `expected names that differ in more than case, got ${name} once more; declare \`columns\` in the task`,
      )
    names.add(engineName(name))
    checkColumn(file, position)
    return [{ name, type: sourceSql(column, { strict: true, wants: 'own' }).type }]
  })
}

export interface SharedColumnsOptions {
  /** Those of the files before. */
  readonly earlier?: readonly ReadColumn[] | undefined
  /** Returns the columns of a file that are used; undefined for all. */
  usedColumns(file: FileColumns): Promise<ReadonlySet<string> | undefined>
}

/** Returns the columns that all files have, as far as they are used, for a task that declares none. @throws INPUT_INVALID when they differ */
export async function sharedColumns(
  connection: DuckDBConnection,
  files: readonly GivenParquet[],
  { earlier, usedColumns }: SharedColumnsOptions,
): Promise<readonly ReadColumn[]> {
  const described = await describeParquet(connection, files)
  const ownOf = async (file: ParquetFile): Promise<readonly ReadColumn[]> => {
    const used = await usedColumns({ archive: file.origin.archive, names: file.names })
    return ownColumns(file, used)
  }
  // One file for each schema: there may be thousands of files.
  const distinct = [...new Map(described.map(file => [file.schemaKey, file])).values()]
  const columns = earlier ?? (distinct[0] ? await ownOf(distinct[0]) : [])
  const expected = columnsText(columns)
  for (const file of distinct) {
    const got = columnsText(await ownOf(file))
    if (got === expected) continue
    throw new PermanentError(
      'INPUT_INVALID',
      `${placeOf(file.origin)}: expected the columns ${expected} as in the files before it, got ${got}; declare \`columns\` in the task`,
      file.origin,
    )
  }
  return columns
}

const columnsText = (columns: readonly ReadColumn[]): string =>
  columns
    .map(({ name, type }) => `${name} ${typeName(type)}`)
    .sort()
    .join(', ')

const refusal = ({ origin }: Pick<ParquetFile, 'origin'>, column: string, why: string): PermanentError =>
  new PermanentError('INPUT_INVALID', `${placeOf(origin)}, column ${column}: ${why}`, { ...origin, column })

/** @throws INPUT_INVALID with file and column */
export function checkColumn(file: ParquetFile, position: number): void {
  const { name, refused } = file.columns[position] ?? { name: '' }
  if (refused !== undefined) throw refusal(file, name, refused)
  if (file.columns.filter(column => column.name === name).length > 1)
    throw refusal(file, name, 'expected columns of different names, got this one twice; rename one')
}

/** Names by which the engine tells the place of a row; a column of a file that has one hides it. */
const placeNames = ['file_row_number', 'file_index']

/** Names the columns of a scan `c0`, `c1`, … where one of them would hide a name of the engine; an empty text where none does. */
export const byPosition = (names: readonly string[]): string =>
  names.some(name => placeNames.includes(name.toLowerCase()))
    ? ` AS scanned(${names.map((_, index) => `c${index}`).join(', ')})`
    : ''

/** Returns a FROM clause over the files, with columns by position and none from their paths, and with further options of the engine. */
export const scan = (files: readonly string[], options: readonly string[] = []): string =>
  `read_parquet(${[quoteTexts(files), 'hive_partitioning = false', 'union_by_name = false', ...options].join(', ')})`
