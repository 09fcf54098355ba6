/** Writes a query's rows as Parquet files and says what each holds. */
import { rmSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import type { ParquetOutput } from '../define/definition.ts'
import { type BoundQuery, boundTypes } from './bound-query.ts'
import { quoteName, quoteText } from './quote.ts'
import { writerLimits } from './writer-limits.ts'

/** A Parquet file that the engine wrote. Partition values are texts, null for a null. */
export interface WrittenPart {
  readonly file: string
  readonly rows: number
  readonly sizeBytes: number
  readonly partition: Readonly<Record<string, string | null>>
}

export type PartOptions = Pick<
  ParquetOutput,
  'partitionBy' | 'sortBy' | 'compression' | 'rowGroupRows' | 'bloomFilters' | 'partitionsMax'
> & {
  /** Columns of a row and memory of the engine, so that wide rows fit into it. Default: they do. */
  readonly room?: Parameters<typeof writerLimits>[1]
}

const anyRoom = { columns: 1, memoryBytes: Number.POSITIVE_INFINITY }

/**
 * Runs the query into one file, or into one file a partition, below `target` (a path without ending that is not there yet).
 * Memory is bounded by a row group a partition. A query without rows gives one empty file with the schema.
 */
export async function writeParts(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  options: PartOptions,
): Promise<WrittenPart[]> {
  const written = await copy(connection, query, options.partitionBy.length > 0 ? target : `${target}.parquet`, options)
  if (written.length > options.partitionsMax) {
    rmSync(target, { recursive: true, force: true })
    throw new PermanentError(
      'TOO_MANY_PARTITIONS',
      `${options.partitionBy.join(', ')} gives more than ${options.partitionsMax} partitions; partition by something coarser, or raise partitionsMax`,
      { partitionBy: options.partitionBy, partitions: written.length, partitionsMax: options.partitionsMax },
    )
  }
  if (written.length > 0) return written
  // Of no rows: the query must not run twice, as it counts what it reads.
  const empty = { ...query, sql: `SELECT * FROM (${query.sql}) LIMIT 0` }
  return copy(connection, empty, `${target}.parquet`, { ...options, partitionBy: [], sortBy: [] })
}

async function copy(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  options: PartOptions,
): Promise<WrittenPart[]> {
  const order = options.sortBy.length > 0 ? ` ORDER BY ${options.sortBy.map(quoteName).join(', ')}` : ''
  const { room = anyRoom } = options
  const limits = writerLimits(options.rowGroupRows, room)
  const settings = [
    'FORMAT parquet',
    `COMPRESSION ${options.compression}`,
    `ROW_GROUP_SIZE ${limits.rowGroupRows}`,
    `WRITE_BLOOM_FILTER ${options.bloomFilters}`,
    `DICTIONARY_SIZE_LIMIT ${limits.dictionaryEntries}`,
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${limits.dictionaryBytes}`,
    'RETURN_STATS',
    ...(options.partitionBy.length > 0
      ? [`PARTITION_BY (${options.partitionBy.map(quoteName).join(', ')})`, "FILENAME_PATTERN '{uuid}'"]
      : []),
  ]
  const sql = `COPY (SELECT * FROM (${query.sql})${order}) TO ${quoteText(target)} (${settings.join(', ')})`
  const reader = await connection.runAndReadAll(sql, [...query.values], boundTypes(query.values))
  return reader.getRowObjectsJson().map(row => ({
    file: String(row.filename),
    rows: Number(row.count),
    sizeBytes: Number(row.file_size_bytes),
    partition: Object.fromEntries(keyValues(row.partition_keys)),
  }))
}

/** The engine's map as it prints it in JSON: a list of keys and values. */
function keyValues(map: unknown): [string, string | null][] {
  if (!Array.isArray(map)) return []
  return map.map(({ key, value }: { key: string; value: string | null }) => [key, value])
}
