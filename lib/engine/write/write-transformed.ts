/** Writes the transformed rows of a reading, and explains the failure when they have too many partitions. */
import { rmSync } from 'node:fs'
import { type BoundQuery, runBound } from '../../duckdb/bound-query.ts'
import { engineFault } from '../../duckdb/engine.ts'
import { quoteText } from '../../duckdb/quote.ts'
import { FanmillError, type PermanentError } from '../../errors/errors.ts'
import type { SharePart } from '../../model/share.ts'
import type { PartitionLimits } from '../../paths/partition-limits.ts'
import { castWritten } from '../check-output.ts'
import { type Conversion, type ConvertJob, recordCount } from '../conversion.ts'
import { rowStates } from '../keyed/keyed-query.ts'
import { keyFrequency } from '../keyed/rare-keys.ts'
import { learnOrThrow } from '../transform/map-function.ts'
import { applyTransform, withoutLast } from '../transform/transform.ts'
import { exactSettings } from './copy-files.ts'
import { type PartitionKeys, TooManyKeys } from './partition-keys.ts'
import { dropScanErrors } from './reject-rows.ts'
import { explainTooMany } from './too-many-partitions.ts'
import { type BucketOptions, writeBuckets, writeUndivided } from './write-buckets.ts'
import { writeParts } from './write-parts.ts'
import { writeSorted } from './write-sorted.ts'
import { bucketRowGroup, vectorRows } from './writer-limits.ts'

/**
 * Writes the rows of `input`. The query is built again each time that a map function has to be called in another way,
 * at most once for each column and once for the number of rows.
 */
export async function writeTransformed(conversion: Conversion, input: string, job: ConvertJob): Promise<SharePart[]> {
  const { connection, counter, transform, written, maps, parts, keys, exchange, kept } = conversion
  const { target, isTrial, partitionLimits = unlimited, buckets = 1, keyTypes } = job
  const { apply, isUndivided } = await transformOf(conversion, input, job)
  for (;;) {
    await dropScanErrors(connection)
    counter.reset()
    keys?.begin(partitionLimits)
    const transformed = apply()
    const sql = castWritten(transformed.sql, transform.schema, { written, parts })
    const query = { ...transformed, sql, types: written.map(({ type }) => type) }
    try {
      if (isUndivided && !isTrial) return await writeUndivided(connection, query, target)
      if (exchange?.order && !isTrial)
        return await writeSorted(connection, query, target, { order: exchange.order, rowCount: recordCount(job) })
      if (exchange && !isTrial)
        return await writeExchanged(conversion, query, target, { ...exchange, buckets, keyTypes, kept })
      const fileBytes = keys || isTrial ? undefined : parts.partBytes
      return await writeParts(connection, query, target, { ...parts, keys, isTrial, fileBytes })
    } catch (error) {
      for (const path of [target, `${target}.parquet`]) rmSync(path, { recursive: true, force: true })
      if (keys && error instanceof TooManyKeys) throw await tooMany(conversion, keys, query, job)
      learnOrThrow(maps, error)
    }
  }
}

/**
 * Returns the function that builds the query of a job's transform. Rows are not aggregated first where keys rarely repeat. `isUndivided`
 * tells that its rows are few, and are divided into buckets when they are combined with others.
 */
async function transformOf({ connection, transform, maps, exchange }: Conversion, input: string, job: ConvertJob) {
  const { step, given } = transform.steps.at(-1) ?? {}
  const before = withoutLast(transform)
  let isUndivided = false
  const isPlain = before.steps.every(({ step: { kind } }) => kind === 'sql')
  if (step?.kind === 'aggregate' && step.phase === 'partial' && given && isPlain) {
    const query = applyTransform(input, before, maps)
    const frequency = await keyFrequency(connection, step, { query, rowCount: recordCount(job) })
    const sql = rowStates(step, given, { input: query.sql, columns: transform.schema })
    if (sql !== undefined && frequency === 'rare') return { apply: () => ({ ...query, sql }), isUndivided: false }
    isUndivided = frequency === 'few' && exchange?.combine !== undefined
  }
  return { apply: () => applyTransform(input, transform, maps), isUndivided }
}

/** Conversions whose rows are too wide for many of them to wait in memory. */
const wide = new WeakSet<Conversion>()

/**
 * Writes the rows by bucket. Rows that are too wide for the engine's usual number in memory are written to one file first, and then by
 * bucket with few in memory: how wide they are is known only then, and settings cannot be changed any more.
 */
async function writeExchanged(
  conversion: Conversion,
  query: BoundQuery,
  target: string,
  options: BucketOptions,
): Promise<SharePart[]> {
  const { connection, wideRows, counter, transform, parts } = conversion
  if (!wide.has(conversion) || !wideRows)
    try {
      const room = parts.room && { ...parts.room, columns: transform.schema.length }
      const rowGroupRows = room && bucketRowGroup(options.buckets, room)
      return await writeBuckets(connection, query, target, { ...options, rowGroupRows })
    } catch (error) {
      const fault = engineFault(error)
      if (!wideRows || !(fault instanceof FanmillError) || fault.code !== 'OUT_OF_MEMORY') throw error
      wide.add(conversion)
      rmSync(target, { recursive: true, force: true })
      counter.reset()
    }
  const file = `${target}.rows`
  try {
    const settings = ['FORMAT parquet', 'COMPRESSION snappy', `ROW_GROUP_SIZE ${vectorRows}`, ...exactSettings(query)]
    const copy = `COPY (${query.sql}) TO ${quoteText(file)} (${settings.join(', ')})`
    await runBound(connection, { ...query, sql: copy })
    const rows = { ...query, sql: `SELECT * FROM read_parquet(${quoteText(file)})`, values: [] }
    return await writeBuckets(wideRows, rows, target, { ...options, rowGroupRows: vectorRows })
  } finally {
    rmSync(file, { force: true })
  }
}

const unlimited: PartitionLimits = { folderBytesMax: Number.POSITIVE_INFINITY }

/** Counts the partitions. Whatever goes wrong in map functions meanwhile is ignored. */
async function tooMany(
  { parts, maps, parquet }: Conversion,
  keys: PartitionKeys,
  query: BoundQuery,
  { files }: ConvertJob,
): Promise<PermanentError> {
  const { partitionBy, partitionsMax } = parts
  const fault = await explainTooMany(keys, query, {
    partitionBy,
    partitionsMax,
    files,
    isParquet: parquet !== undefined,
  })
  maps.takeFault()
  return fault
}
