/** Writes a query's rows as Parquet files, and returns the rows, bytes and partition of each. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { PartLayout } from '../../define/outputs/output-kind.ts'
import type { BoundQuery } from '../../duckdb/bound-query.ts'
import { quoteName } from '../../duckdb/quote.ts'
import type { SharePart } from '../../model/share.ts'
import { copyFiles, exactSettings, uniqueNames } from './copy-files.ts'
import { numberColumn, type PartitionKeys } from './partition-keys.ts'
import { equalRowGroups, type SplitLimits, splitRowGroupRows } from './split-row-group.ts'
import { orderSql } from './write-sorted.ts'
import { writerLimits } from './writer-limits.ts'

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
  /** Splits a file into files of about these rows. Not with partitions. */
  readonly split?: { readonly file: string; readonly fileRows: number } | undefined
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
    : await copy(connection, query, options.fileBytes || options.split ? target : `${target}.parquet`, options)
  // The engine opens another file, which stays empty, when the rows fill the last one.
  const filled = written.filter(({ rows }) => rows > 0)
  if (filled.length > 0) return filled
  if (written.length > 0) return written
  // Without rows the engine writes no file. The query itself must not run again, because it counts the rows that it reads.
  const empty = { ...query, sql: `SELECT * FROM (${query.sql}) LIMIT 0` }
  const { keys: _, fileBytes: __, split: ___, ...whole } = options
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
  const { split } = options
  const columns = options.order ? orderSql(options.order) : options.sortBy.map(quoteName).join(', ')
  const order = options.sortBy.length > 0 ? ` ORDER BY ${columns}` : ''
  const { room = anyRoom } = options
  const limits = writerLimits(options.rowGroupRows, room)
  const settings = [
    `COMPRESSION ${options.compression}`,
    // The engine looks in them for the text that it prints of bytes, which they do not have.
    `WRITE_BLOOM_FILTER ${options.bloomFilters && !query.types?.includes('BLOB')}`,
    ...(exactSettings(query).length > 0 ? [] : [`DICTIONARY_SIZE_LIMIT ${limits.dictionaryEntries}`]),
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${limits.dictionaryBytes}`,
    ...(split ? await splitSettings(connection, split, limits) : [`ROW_GROUP_SIZE ${limits.rowGroupRows}`]),
    // Files of several partitions are written at once. Bounded by bytes, they would take more memory, not less.
    ...(keys || split ? [] : [`ROW_GROUP_SIZE_BYTES ${limits.rowGroupBytes}`]),
    ...(options.fileBytes === undefined ? [] : [`FILE_SIZE_BYTES ${options.fileBytes}`]),
    ...(keys ? [`PARTITION_BY (${numberColumn})`, uniqueNames] : []),
  ]
  const ordered = { ...query, sql: `SELECT * FROM (${query.sql})${order}` }
  const written = await copyFiles(connection, ordered, target, settings)
  return written.map(({ number, ...file }) => ({ ...file, partition: keys ? keys.partition(number) : {} }))
}

/** Files end after a number of row groups, which must therefore not end earlier by their bytes. */
async function splitSettings(
  connection: DuckDBConnection,
  { file, fileRows }: NonNullable<WriteOptions['split']>,
  limits: SplitLimits,
): Promise<string[]> {
  const { groups, groupRows } = equalRowGroups(fileRows, await splitRowGroupRows(connection, file, limits))
  return [`ROW_GROUP_SIZE ${groupRows}`, `ROW_GROUPS_PER_FILE ${groups}`]
}
