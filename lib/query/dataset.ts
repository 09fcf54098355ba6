/** Reads the parts of a dataset one by one, as typed rows or as texts to show. */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBListVector,
  type DuckDBResult,
  type DuckDBValue,
  type DuckDBVector,
} from '@duckdb/node-api'
import type { SqlStep } from '../define/definition.ts'
import { type Engine, engineFault, openEngine } from '../duckdb/engine.ts'
import { quoteName, quoteText } from '../duckdb/quote.ts'
import { byPosition, scan } from '../engine/read/parquet/describe.ts'
import { rowGroupFilter } from '../engine/read/parquet/row-group-filter.ts'
import { conditionColumns } from '../engine/read/used-columns.ts'
import { valueReader } from '../engine/transform/vector-values.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import type { Partition } from '../paths/partition-path.ts'
import { allowedExpression } from '../sql/allowed.ts'
import { explainSql } from '../sql/explain.ts'
import { type ColumnValues, columnValuesReader } from './columns-out.ts'
import { neededPartitions } from './partition-filter.ts'

export type DatasetRow = Readonly<Record<string, unknown>>

/** A part as a local file, which lacks its partition values. */
export interface LocalPart {
  readonly file: string
  readonly partition?: Partition
  /** Whether another program may have written it, as in a Delta table. Default false. */
  readonly isForeign?: boolean
  /** The rows that are read, by their number in the part, end exclusive; default all. */
  readonly rows?: { readonly start: number; readonly end: number } | undefined
  /** Rows of the part that the file lacks: from row `start` of the file on, `skipped` rows of the part were left out before. */
  readonly gaps?: readonly { readonly start: number; readonly skipped: number }[] | undefined
}

/** Some rows as columns, in arrays of their own. */
export interface DatasetBatch {
  readonly rowCount: number
  readonly columns: Readonly<Record<string, ColumnValues>>
}

export interface PartQuery {
  readonly schema: readonly SchemaColumn[]
  /** Default all, in the order of the schema. */
  readonly columns?: readonly string[]
  readonly where?: Pick<SqlStep, 'texts' | 'values'>
  readonly rowsMax?: number
}

/** Opens an engine that can read only the files in these folders. */
export function openReader(folders: readonly string[], tempFolder: string): Promise<Engine> {
  return openEngine({ folders, tempFolder, memoryBytes: readerBytes, load: returnMemory })
}

/**
 * Gives freed memory back to the system while more is read. Otherwise it stays with the process: reading 100 parts of 20 MB of lists peaked
 * at 690 to 740 MB, and at 550 to 690 MB with it.
 */
async function returnMemory(connection: DuckDBConnection): Promise<void> {
  await connection.run('SET allocator_background_threads = true')
}

/** Memory for some row groups; nothing is sorted or joined. */
const readerBytes = 512 * 1024 * 1024

/** Reads the rows of a part, with the values that map functions get. Memory: a row group. @throws USAGE for an unknown column; SQL_INVALID for the condition */
export async function* readRows(
  connection: DuckDBConnection,
  part: LocalPart,
  query: PartQuery,
): AsyncGenerator<DatasetRow> {
  const names = chosenColumns(query)
  for await (const { rowCount, vectors, result } of chunksOf(connection, part, query, names.map(quoteName))) {
    const readers = names.map((_, index) => valueReader(result.columnType(index)))
    for (let row = 0; row < rowCount; row++) {
      const values = names.map((name, index) => [name, vectors[index] && readers[index]?.(vectors[index], row)])
      yield Object.fromEntries(values) as DatasetRow
    }
  }
}

/** Reads a part as columns of at most 2,048 rows, fewer where lists are long. Memory: a row group. @throws as `readRows` */
export async function* readBatches(
  connection: DuckDBConnection,
  part: LocalPart,
  query: PartQuery,
): AsyncGenerator<DatasetBatch> {
  const names = chosenColumns(query)
  for await (const { rowCount, vectors, result } of chunksOf(connection, part, query, names.map(quoteName))) {
    const columns = names.map((name, index) => {
      const values = columnValuesReader(result.columnType(index))(vectors[index] as DuckDBVector, rowCount)
      return [name, values] as const
    })
    yield { rowCount, columns: Object.fromEntries(columns) }
  }
}

/** At most 2,048 rows; their memory is the engine's, and valid until the next ones are requested. */
export interface PartChunk {
  readonly rowCount: number
  /** A vector for each column. */
  readonly vectors: readonly DuckDBVector[]
  readonly result: DuckDBResult
}

/** Reads the chunks of a query over a part. @throws USAGE, SQL_INVALID */
export async function* chunksOf(
  connection: DuckDBConnection,
  part: LocalPart,
  query: PartQuery,
  list: readonly string[],
): AsyncGenerator<PartChunk> {
  const result = await select(connection, part, query, list)
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk())
    for (const rows of shortPieces(chunk)) yield { ...rows, result }
}

/** Values of lists whose copies are made at once: 4 MiB of doubles. */
const listItemsMax = 524_288

/** Cuts a chunk whose lists are long. Copied at once, those of a row group would be in memory a second time. */
function* shortPieces(chunk: DuckDBDataChunk): Generator<Pick<PartChunk, 'rowCount' | 'vectors'>> {
  const { rowCount, columnCount } = chunk
  const vectors = Array.from({ length: columnCount }, (_, index) => chunk.getColumnVector(index))
  const lists = vectors.filter(vector => vector instanceof DuckDBListVector)
  const items = lists.reduce((sum, list) => sum + list.childVector.itemCount, 0)
  if (items <= listItemsMax) return yield { rowCount, vectors }
  const rowsAtOnce = Math.max(1, Math.floor((rowCount * listItemsMax) / items))
  for (let start = 0; start < rowCount; start += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rowCount - start)
    yield { rowCount: count, vectors: vectors.map(vector => vector.slice(start, count)) }
  }
}

/** Reads the rows as texts, as the engine prints the values; null for a null. */
export async function readTexts(
  connection: DuckDBConnection,
  part: LocalPart,
  query: PartQuery,
): Promise<(string | null)[][]> {
  const texts = chosenColumns(query).map(name => `CAST(${quoteName(name)} AS VARCHAR)`)
  const result = await select(connection, part, query, texts)
  return (await result.getRows()) as (string | null)[][]
}

/** Returns the columns of a query. @throws USAGE for a column that the schema does not have */
export function chosenColumns({ schema, columns }: Pick<PartQuery, 'schema' | 'columns'>): readonly string[] {
  const names = schema.map(column => column.name)
  const unknown = columns?.find(name => !names.includes(name))
  if (unknown === undefined) return columns ?? names
  const message = `columns: expected columns of the dataset, got ${unknown}; ${nearestOrAll(unknown, names)}`
  throw new PermanentError('USAGE', message, { column: unknown, columns: names })
}

/** The columns and rows of the parts that a query needs. */
export interface NeededData {
  readonly names: ReadonlySet<string>
  /** Returns for each partition whether it may have rows that are needed. */
  partitions(partitions: readonly Partition[]): Promise<readonly boolean[]>
  /** Returns for each row group whether it may have rows that are needed; undefined where all may. */
  rowGroups(footer: ParquetFooter): Promise<readonly boolean[] | undefined>
}

/** Finds what a query needs of the parts. @throws USAGE, SQL_INVALID */
export async function neededData(
  engine: Engine,
  connection: DuckDBConnection,
  query: Pick<PartQuery, 'schema' | 'columns' | 'where'>,
): Promise<NeededData> {
  const { schema, where } = query
  const names = schema.map(({ name }) => name)
  const condition = conditionSql(query)
  const used = condition === undefined ? [] : await conditionColumns(connection, condition, names)
  const conditions = where ? [where] : []
  const filter = where && (await rowGroupFilter(connection, conditions, schema))
  return {
    names: new Set([...chosenColumns(query), ...used]),
    partitions: partitions => neededPartitions(engine, { conditions, schema, partitions }),
    rowGroups: async footer => filter?.(footer),
  }
}

/** Returns the condition with numbered placeholders; undefined where there is none. */
const conditionSql = ({ where }: Pick<PartQuery, 'where'>): string | undefined =>
  where?.texts.reduce((sql, text, index) => `${sql}$${index}${text}`)

async function select(
  connection: DuckDBConnection,
  part: LocalPart,
  query: PartQuery,
  list: readonly string[],
): Promise<DuckDBResult> {
  const from = await wholeRows(connection, part, query.schema)
  const condition = conditionSql(query)
  if (condition !== undefined) await allowedExpression(connection, condition, 'where')
  const where = condition === undefined ? '' : ` WHERE (${condition}\n)`
  const limit = query.rowsMax === undefined ? '' : ` LIMIT ${query.rowsMax}`
  try {
    const values = (query.where?.values ?? []) as DuckDBValue[]
    return await connection.stream(`SELECT ${list.join(', ')} FROM (${from}) AS input${where}${limit}`, values)
  } catch (error) {
    if (condition === undefined) throw engineFault(error, { file: part.file })
    const names = query.schema.map(column => column.name)
    const message = `where: ${explainSql(error, names)}`
    throw new PermanentError('SQL_INVALID', message, { where: condition }, { cause: error })
  }
}

/** Returns a query of a part with all columns of the dataset: partition values are from the manifest, columns that an older part lacks are null. */
async function wholeRows(
  connection: DuckDBConnection,
  part: LocalPart,
  schema: readonly SchemaColumn[],
): Promise<string> {
  const from = scan([part.file])
  const there = await namesOf(connection, from, part)
  const renamed = byPosition(there)
  const sqlOf = (name: string): string => (renamed === '' ? quoteName(name) : `c${there.indexOf(name)}`)
  const columns = partColumns(schema, part, { there, sqlOf })
  return `SELECT ${columns.join(', ')} FROM ${from}${renamed}${rowsCondition(part)}`
}

/** Returns the columns of the dataset as SQL over a part; `there` are those that its file has, default all, each as `sqlOf` names it. */
export function partColumns(
  schema: readonly SchemaColumn[],
  { partition = {}, isForeign = false }: Pick<LocalPart, 'partition' | 'isForeign'>,
  { there, sqlOf = quoteName }: { readonly there?: readonly string[]; sqlOf?(name: string): string } = {},
): string[] {
  // The engine has no statistics of a TRY, and so skips no rows. Other writers leave NaN out of them, though it is the greatest number, and
  // for bytes it looks in Bloom filters for the text that it prints of them.
  const readName = ({ name, type }: SchemaColumn): string => {
    if (isForeign && /FLOAT|DOUBLE|BLOB/.test(type)) return `TRY(${sqlOf(name)})`
    // Timestamps of 96 bits say nothing of a zone.
    return isForeign && type.startsWith('TIMESTAMP') ? `CAST(${sqlOf(name)} AS ${type})` : sqlOf(name)
  }
  return schema.map(each => {
    const { name, type } = each
    const value = Object.hasOwn(partition, name) ? partition[name] : undefined
    const column = quoteName(name)
    if (value !== undefined) return `CAST(${value === null ? 'NULL' : quoteText(value)} AS ${type}) AS ${column}`
    return (there?.includes(name) ?? true) ? `${readName(each)} AS ${column}` : `CAST(NULL AS ${type}) AS ${column}`
  })
}

/** The engine leaves out row groups by the numbers of their rows. */
function rowsCondition({ rows, gaps = [] }: LocalPart): string {
  if (!rows) return ''
  const cases = gaps.toReversed().map(({ start, skipped }) => `WHEN file_row_number >= ${start} THEN ${skipped}`)
  const number = cases.length > 0 ? `file_row_number + CASE ${cases.join(' ')} END` : 'file_row_number'
  return ` WHERE ${number} BETWEEN ${rows.start} AND ${rows.end - 1}`
}

async function namesOf(connection: DuckDBConnection, from: string, part: LocalPart): Promise<readonly string[]> {
  try {
    return (await connection.run(`SELECT * FROM ${from} LIMIT 0`)).columnNames()
  } catch (error) {
    throw engineFault(error, { file: part.file })
  }
}
