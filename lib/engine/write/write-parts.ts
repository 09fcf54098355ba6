/** Writes a query's rows as Parquet files, and returns the rows, bytes and partition of each. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { PartLayout } from '../../define/output-kind.ts'
import type { SharePart } from '../../model/share.ts'
import type { BoundQuery } from '../duckdb/bound-query.ts'
import { quoteName } from '../duckdb/quote.ts'
import { copyFiles, uniqueNames } from './copy-files.ts'
import { numberColumn, type PartitionKeys } from './partition-keys.ts'
import { orderSql } from './write-sorted.ts'
import { vectorRows, writerLimits } from './writer-limits.ts'

export type PartOptions = PartLayout & {
  /** Columns of a row and memory of the engine, to make wide rows fit into it. Default: they fit. */
  readonly room?: Parameters<typeof writerLimits>[1]
}

const anyRoom = { columns: 1, memoryBytes: Number.POSITIVE_INFINITY }

export interface WriteOptions extends PartOptions {
  /** Numbers the partitions. Without it, all rows go to one file, whatever `partitionBy` names. */
  readonly keys?: PartitionKeys | undefined
  /** Bytes after which a new file begins; the engine checks only after many rows. Not with partitions. */
  readonly fileBytes?: number | undefined
  /** Rows of each file, a multiple of 2,048. Not with partitions. */
  readonly fileRows?: number | undefined
  /** Writes one file, whatever the partitions: it is only a test whether the rows can be written. Default false. */
  readonly isTrial?: boolean | undefined
}

/**
 * Writes the query to one file, or to one file for each partition, below `target` (a path without ending, where nothing is yet).
 * Memory is bounded by one row group for each partition. The connection is the first of an engine with one thread. A query without rows writes one empty file with the schema.
 * @throws `TooManyKeys`, PARTITION_TOO_LONG before the engine opens a file, as long as the rows are fewer than it keeps back
 */
export async function writeParts(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  options: WriteOptions,
): Promise<SharePart[]> {
  const { keys } = options
  const written = keys
    ? await copyPartitions(connection, query, target, { ...options, keys })
    : await copy(connection, query, options.fileBytes || options.fileRows ? target : `${target}.parquet`, options)
  if (written.length > 0) return written
  // Without rows the engine writes no file. The query itself must not run again, because it counts the rows that it reads.
  const empty = { ...query, sql: `SELECT * FROM (${query.sql}) LIMIT 0` }
  const { keys: _, fileBytes: __, fileRows: ___, ...whole } = options
  return copy(connection, empty, `${target}.parquet`, { ...whole, sortBy: [] })
}

async function copyPartitions(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  { keys, isTrial = false, ...options }: WriteOptions & { readonly keys: PartitionKeys },
): Promise<SharePart[]> {
  const numbered = { ...query, sql: keys.numbered(query.sql) }
  try {
    return isTrial
      ? await copy(connection, numbered, `${target}.parquet`, options)
      : await copy(connection, numbered, target, { ...options, keys })
  } catch (error) {
    throw keys.takeFault() ?? error
  }
}

async function copy(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  { keys, ...options }: WriteOptions,
): Promise<SharePart[]> {
  const columns = options.order ? orderSql(options.order) : options.sortBy.map(quoteName).join(', ')
  const order = options.sortBy.length > 0 ? ` ORDER BY ${columns}` : ''
  const { room = anyRoom } = options
  const limits = writerLimits(options.rowGroupRows, room)
  const settings = [
    `COMPRESSION ${options.compression}`,
    `WRITE_BLOOM_FILTER ${options.bloomFilters}`,
    `ROW_GROUP_SIZE_BYTES ${limits.rowGroupBytes}`,
    `DICTIONARY_SIZE_LIMIT ${limits.dictionaryEntries}`,
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${limits.dictionaryBytes}`,
    ...fileSettings({ ...options, rowGroupRows: limits.rowGroupRows }),
    ...(keys ? [`PARTITION_BY (${numberColumn})`, uniqueNames] : []),
  ]
  const ordered = { ...query, sql: `SELECT * FROM (${query.sql})${order}` }
  const written = await copyFiles(connection, ordered, target, settings)
  return written.map(({ number, ...file }) => ({ ...file, partition: keys ? keys.partition(number) : {} }))
}

/** The settings for the rows of a row group, and the rows or bytes of a file. */
function fileSettings({ rowGroupRows, fileBytes, fileRows }: WriteOptions): string[] {
  if (fileRows === undefined)
    return [`ROW_GROUP_SIZE ${rowGroupRows}`, ...(fileBytes === undefined ? [] : [`FILE_SIZE_BYTES ${fileBytes}`])]
  const groups = Math.ceil(fileRows / rowGroupRows)
  const groupRows = Math.ceil(fileRows / groups / vectorRows) * vectorRows
  return [`ROW_GROUP_SIZE ${groupRows}`, `ROW_GROUPS_PER_FILE ${groups}`]
}
