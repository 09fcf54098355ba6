/** Writes the rows of a query to an exchange: into files by bucket of their key. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { ExchangeOutput } from '../../define/steps/exchange-definition.ts'
import type { BoundQuery } from '../../duckdb/bound-query.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { SharePart } from '../../model/share.ts'
import { copyFiles, passingSettings, uniqueNames } from './copy-files.ts'
import { keptBucket } from './kept-bucket.ts'

export interface BucketOptions {
  readonly by: readonly string[]
  readonly buckets: number
  /** Rows of a row group, of which the engine has one for each bucket in memory and spills what does not fit. Default its own, 122,880. */
  readonly rowGroupRows?: number | undefined
  /** The types to which the columns of the key are converted before they are hashed; default their own. */
  readonly keyTypes?: readonly string[] | undefined
  /** The treatment of rows whose key has a null. Default they are rows of a key like any other. */
  readonly nullKeys?: ExchangeOutput['nullKeys']
  /** The columns with their types, for the documented hash of datasets that are kept by key. Default the engine's hash. */
  readonly kept?: readonly SchemaColumn[] | undefined
}

const bucketColumn = '_fanmill_bucket'

/**
 * Writes files of each bucket below `target`, a path where nothing is yet. Each file has rows of one bucket, and a bucket may have
 * several. A query without rows writes one empty file with the schema, in bucket 0.
 */
export async function writeBuckets(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  options: BucketOptions,
): Promise<SharePart[]> {
  const { by, nullKeys, rowGroupRows } = options
  const dropped = nullKeys === 'drop' ? ` WHERE NOT (${hasNull(by)})` : ''
  const numbered = `SELECT *, ${bucketOf(options)} AS ${bucketColumn} FROM (${query.sql}) AS _fanmill_rows${dropped}`
  const written = await copy(connection, { ...query, sql: numbered }, target, { isPartitioned: true, rowGroupRows })
  if (written.length > 0) return written
  const empty = { ...query, sql: `SELECT * FROM (${query.sql}) LIMIT 0` }
  return copy(connection, empty, `${target}.parquet`, { isPartitioned: false })
}

/** Writes one file with the rows of all buckets. */
export async function writeUndivided(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
): Promise<SharePart[]> {
  const parts = await copy(connection, query, `${target}.parquet`, { isPartitioned: false })
  return parts.map(({ bucket: _, ...part }) => part)
}

/** Returns the rows of each bucket in a file that is not divided. */
export async function rowsByBucket(
  connection: DuckDBConnection,
  file: string,
  options: BucketOptions,
): Promise<readonly number[]> {
  const sql = `SELECT ${bucketOf(options)} AS ${bucketColumn}, count(*) FROM read_parquet(${quoteText(file)}) GROUP BY ALL`
  const rows = new Array<number>(options.buckets).fill(0)
  for (const [bucket, count] of (await connection.runAndReadAll(sql)).getRows()) rows[Number(bucket)] = Number(count)
  return rows
}

/** Returns the number of a row's bucket as SQL. Hashed twice, because the engine finds groups within a bucket by the bits of the same hash. */
export function bucketOf({ by, buckets, keyTypes = [], nullKeys, kept }: BucketOptions): string {
  if (kept) return keptBucket(kept, buckets)
  const keys = by.map((name, at) => {
    const type = keyTypes[at]
    return type === undefined ? quoteName(name) : `CAST(${quoteName(name)} AS ${type})`
  })
  const hash = `hash(hash(${keys.join(', ')}))`
  // Rows whose key has a null have no partner: they would all be in one bucket.
  const spread =
    nullKeys === 'spread' ? `CASE WHEN ${hasNull(by)} THEN hash(hash(_fanmill_rows)) ELSE ${hash} END` : hash
  return `CAST(${spread} % ${buckets} AS INTEGER)`
}

const hasNull = (by: readonly string[]): string => by.map(name => `${quoteName(name)} IS NULL`).join(' OR ')

async function copy(
  connection: DuckDBConnection,
  query: BoundQuery,
  target: string,
  { isPartitioned, rowGroupRows }: Pick<BucketOptions, 'rowGroupRows'> & { readonly isPartitioned: boolean },
): Promise<SharePart[]> {
  const rows = rowGroupRows === undefined ? [] : [`ROW_GROUP_SIZE ${rowGroupRows}`]
  const apart = isPartitioned ? [`PARTITION_BY (${bucketColumn})`, uniqueNames] : []
  const written = await copyFiles(connection, query, target, [...passingSettings, ...rows, ...apart])
  return written.map(({ number, ...file }) => ({ ...file, partition: {}, bucket: isPartitioned ? number : 0 }))
}
