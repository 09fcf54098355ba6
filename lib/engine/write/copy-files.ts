/** Writes the rows of a query as Parquet files, and tells which. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundQuery, boundTypes } from '../../duckdb/bound-query.ts'
import { quoteText } from '../../duckdb/quote.ts'

export interface CopiedFile {
  readonly file: string
  readonly rows: number
  readonly sizeBytes: number
  /** The value of the one column by which the files are partitioned; NaN without such a column. */
  readonly number: number
}

/** Settings of files that a later stage reads once. */
export const passingSettings = ['COMPRESSION snappy', 'WRITE_BLOOM_FILTER false'] as const

/** Settings by which each interval is written as it is: a month equals 30 days, and would share an entry of a dictionary. */
export const exactSettings = ({ types = [] }: Pick<BoundQuery, 'types'>): readonly string[] =>
  types.some(type => type.includes('INTERVAL')) ? ['DICTIONARY_SIZE_LIMIT 0'] : []

/** The setting for names of files in folders by partition: unique ones. */
export const uniqueNames = "FILENAME_PATTERN '{uuid}'"

/** Returns the files in the order of the engine. `settings` are those of COPY besides the format. */
export async function copyFiles(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  settings: readonly string[],
): Promise<CopiedFile[]> {
  const all = ['FORMAT parquet', 'RETURN_STATS', ...settings, ...exactSettings(query)].join(', ')
  const sql = `COPY (${query.sql}) TO ${quoteText(target)} (${all})`
  const reader = await connection.runAndReadAll(sql, [...query.values], boundTypes(query.values))
  return reader.getRowObjectsJson().map(row => ({
    file: String(row.filename),
    rows: Number(row.count),
    sizeBytes: Number(row.file_size_bytes),
    number: numberOf(row.partition_keys),
  }))
}

/** Reads the number from a map as the engine prints it in JSON: a list with the one key and its value. */
function numberOf(map: unknown): number {
  const [entry] = Array.isArray(map) ? (map as { readonly value: string }[]) : []
  return Number(entry?.value)
}
