/** Explains a bucket that does not fit into the memory of a thread. */
import type { ConvertJob } from '../../engine/conversion.ts'
import type { TaskEngine } from '../../engine/task-engine.ts'
import { CapacityError, FanmillError } from '../../errors/errors.ts'
import type { ExchangeSlice } from '../../model/plan-data.ts'

/** Returns BUCKET_TOO_LARGE with the keys that have the most rows, for an engine that ran out of memory or disk; other errors as they are. */
export async function bucketFault(
  error: unknown,
  slices: readonly ExchangeSlice[],
  { engine, job }: { readonly engine: TaskEngine; readonly job: Pick<ConvertJob, 'files'> },
): Promise<unknown> {
  if (!(error instanceof FanmillError) || (error.code !== 'OUT_OF_MEMORY' && error.code !== 'DISK_FULL')) return error
  const keys = await engine.heaviestKeys(job.files).catch(() => [])
  const buckets = { start: slices[0]?.buckets.start ?? 0, end: slices.at(-1)?.buckets.end ?? 0 }
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0)
  const count = buckets.end - buckets.start
  const which = count === 1 ? `bucket ${buckets.start}` : `buckets ${buckets.start} to ${buckets.end - 1}`
  const message = `${which}: expected rows that fit into the memory of a thread, got ${rows.toLocaleString('en-US')}; set more buckets, raise --memory, or lower --workers; a key with too many rows needs a finer key, and in a join fewer columns or a condition (where) on its side`
  const received = keys.length === 0 ? undefined : `the most rows are of ${keys.join(', ')}`
  return new CapacityError('BUCKET_TOO_LARGE', message, { buckets, rows, received }, { cause: error })
}
