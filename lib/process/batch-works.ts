/** The table of the work of a batch by kind of output: it turns slices into what the output takes, and returns an outcome. */
import type { Output } from '../define/output-definition.ts'
import type { Outcome } from '../model/outcome.ts'
import type { BatchWork, PlanItem } from '../model/plan-data.ts'
import type { RunFrame } from '../model/reserved-run.ts'
import { actOnBatch } from './act-on-batch.ts'
import { convertBatch } from './convert-batch.ts'
import { deliverBatch } from './deliver-batch.ts'
import { exchangeBatch } from './exchange-batch.ts'
import { extractBatch } from './extract-batch.ts'
import type { ProcessTools } from './process-tools.ts'

/** Leaves everything pending, so that nothing is visible before commit. Returns the outcome without its seconds. */
export type WorkOfBatch = (
  run: RunFrame,
  item: PlanItem,
  work: BatchWork,
  tools: ProcessTools,
) => Promise<Omit<Outcome, 'seconds'>>

export const batchWorks: { readonly [K in Output['kind']]: WorkOfBatch } = {
  parquet: convertBatch,
  memberFiles: extractBatch,
  sink: deliverBatch,
  exchange: exchangeBatch,
  delta: convertBatch,
  temporary: convertBatch,
  target: actOnBatch,
}
