/** Processes a batch whose rows go to an exchange: converts its slices into files by bucket, and puts them where the next stage reads them. */
import { checkSchemas } from '../commit/accounts.ts'
import { PermanentError } from '../errors/errors.ts'
import { hashName } from '../model/bucket-hash.ts'
import type { ExchangedRows } from '../model/outcome/outcome.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import type { SharePart, ShareResult } from '../model/share.ts'
import { sumFields } from '../model/sum-fields.ts'
import { mapParallel } from '../state/files.ts'
import { exchangePrefix } from '../state/state.ts'
import { buildOutcome } from './batch-outcome.ts'
import type { ProcessTools, WorkOfBatch } from './process-tools.ts'
import { shareOut } from './share/distribute.ts'

export const exchangeBatch: WorkOfBatch = async (run, item, work, tools) => {
  const { buckets = 1, keyTypes } = item
  checkHashName(run, item)
  const loading = { runId: run.runId, startedAt: run.startedAt }
  const results = await shareOut(item, work, { ...tools, buckets, keyTypes, run: loading })
  checkSchemas(results.map(result => result.schema))
  const parts = await combineParts(results, item, tools)
  const exchange = await placeParts(run, item, parts, tools)
  const outcome = await buildOutcome(run, item, { slices: work.slices, results, staged: [] }, tools)
  const rowsWritten = sumFields(parts, ['rows']).rows
  return { ...outcome, exchange, rowsWritten, rowsFiltered: outcome.rowsRead - rowsWritten }
}

/** @throws RUN_CHANGED when the run was begun with another hash: rows of one key would be in several buckets */
function checkHashName({ runId, attempt, task }: RunFrame, { hash }: PlanItem): void {
  if (hash === hashName) return
  const message = `run ${runId}, attempt ${attempt}, of task ${task} was planned with another hash of keys; run it again with --force`
  throw new PermanentError('RUN_CHANGED', message, { runId, attempt, hash, hashName })
}

/** Combining costs another pass over the rows, which pays only where keys repeat. */
const combinedShareMax = 0.5

/** Combines what the slices of the batch have made, where that leaves fewer rows, or where it is not divided into buckets yet. */
async function combineParts(
  results: readonly ShareResult[],
  item: PlanItem,
  tools: ProcessTools,
): Promise<readonly SharePart[]> {
  const parts = results.flatMap(result => result.parts)
  const { rowsRead, rowsWritten } = sumFields(results, ['rowsRead', 'rowsWritten'])
  const isDivided = parts.every(part => part.bucket !== undefined)
  const isShared = parts.length > new Set(parts.map(part => part.bucket)).size
  if (isDivided && (!tools.combines || !isShared || rowsWritten > combinedShareMax * rowsRead)) return parts
  const files = parts.map(part => part.file)
  const { buckets = 1, undividedBytes = 0 } = item
  const isUndivided = sumFields(parts, ['sizeBytes']).sizeBytes <= undividedBytes
  const target = `${tools.partFolder}/${item.batch}-${tools.token}-combined`
  const combined = await tools.workers.run<'combine'>({ kind: 'combine', files, target, buckets, isUndivided })
  for (const file of files) await tools.removeFile?.(file)
  return combined
}

/** Puts the files at their place: each by itself where the store is a disk, and else all in one object, bucket by bucket. */
async function placeParts(
  run: RunFrame,
  { batch, stage = 0, buckets = 1 }: PlanItem,
  all: readonly SharePart[],
  tools: ProcessTools,
): Promise<ExchangedRows> {
  const { output, token } = tools
  const key = `${exchangePrefix(run)}${stage}/${batch}-${token}`
  // A file without rows only carries the schema; it is kept only when there is no other.
  const filled = all.filter(part => part.rows > 0)
  // Chunks of sorted runs are in their order already, all in bucket 0.
  const parts = (filled.length > 0 ? filled : all.slice(0, 1)).toSorted((a, b) => (a.bucket ?? 0) - (b.bucket ?? 0))
  const files = parts.map(({ bucket = 0, rows, sizeBytes: bytes, rowsByBucket, sorted }) => ({
    bucket,
    rows,
    bytes,
    sorted,
    rowsByBucket: rowsByBucket && [...rowsByBucket],
  }))
  const local = output.files
  if (local) {
    const named = files.map((file, index) => ({ ...file, name: `${file.bucket}-${index}.parquet` }))
    await mapParallel(parts, ({ file }, index) => local.moveIn(`${key}/${named[index]?.name}`, file))
    return { key, buckets, files: named }
  }
  const joined = `${tools.partFolder}/${batch}-${token}.exchange`
  await tools.joinFiles(
    parts.map(({ file }) => file),
    joined,
  )
  const by = { runId: run.runId, attempt: run.attempt, token }
  const pending = await output.stagePart(key, joined, by)
  await output.completePart(pending)
  return { key, buckets, files }
}
