/** Processes a batch of rows: converts its slices over the threads, and leaves the parts pending in the store. */
import { checkSchemas } from '../commit/accounts.ts'
import { areItems, areSorted } from '../inputs/slices/plan-slices.ts'
import type { OutcomePart } from '../model/outcome/outcome.ts'
import { partName, sortedPartName } from '../model/outcome/part-name.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import type { SharePart } from '../model/share.ts'
import { folderBytesLeft } from '../paths/partition-limits.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import { mapParallel } from '../state/files.ts'
import { outputPrefix } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { buildOutcome } from './batch-outcome.ts'
import { fitParts } from './merge-parts.ts'
import type { ProcessTools, WorkOfBatch } from './process-tools.ts'
import { shareOut } from './share/distribute.ts'

export const convertBatch: WorkOfBatch = async (run, item, work, tools) => {
  const partitionLimits = { folderBytesMax: folderBytesMax(run, item, tools.output), seen: tools.partitions }
  const loading = { runId: run.runId, startedAt: run.startedAt }
  const results = await shareOut(item, work, { ...tools, partitionLimits, run: loading })
  checkSchemas(results.map(result => result.schema))
  const parts = await fitParts(
    results.flatMap(result => result.parts),
    `${tools.partFolder}/${item.batch}-${tools.token}`,
    { ...tools, isOrdered: areItems(work.slices) || areSorted(work.slices) },
  )
  const staged = stageParts(run, { ...item, isSorted: areSorted(work.slices) }, parts, tools)
  return buildOutcome(run, item, { slices: work.slices, results, staged }, tools)
}

/** Bytes that folders may take in a key, with the longest part name of this batch. */
function folderBytesMax(run: RunFrame, item: PlanItem, { keyPrefix = '' }: Store): number {
  return folderBytesLeft(keyPrefix + outputPrefix(run.outputPath), partName(item.batch, partsMax, run))
}

const partsMax = 999_999

async function stageParts(
  run: RunFrame,
  { batch, isSorted }: PlanItem & { readonly isSorted: boolean },
  parts: readonly SharePart[],
  tools: ProcessTools,
): Promise<OutcomePart[]> {
  const by = { runId: run.runId, attempt: run.attempt, token: tools.token }
  // A part without rows only carries the schema; it is kept only when there is no other.
  const kept = parts.some(part => part.rows > 0) ? parts.filter(part => part.rows > 0) : parts.slice(0, 1)
  return mapParallel(kept, async (part, index) => {
    const name = isSorted ? sortedPartName(batch, index, run) : partName(batch, index, run)
    const key = `${outputPrefix(run.outputPath)}${partitionFolder(part.partition)}${name}`
    const pending = await tools.output.stagePart(key, part.file, by)
    const isPartitioned = Object.keys(part.partition).length > 0
    const { rows, bucket } = part
    return { ...pending, rows, partition: isPartitioned ? part.partition : undefined, bucket }
  })
}
