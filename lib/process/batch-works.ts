/** The table of the work of a batch by kind of output. */
import type { Output } from '../define/outputs/output-definition.ts'
import { actOnBatch } from './act-on-batch.ts'
import { convertBatch } from './convert-batch.ts'
import { deliverBatch } from './deliver-batch.ts'
import { exchangeBatch } from './exchange-batch.ts'
import { extractBatch } from './extract-batch.ts'
import type { WorkOfBatch } from './process-tools.ts'

export const batchWorks: { readonly [K in Output['kind']]: WorkOfBatch } = {
  parquet: convertBatch,
  memberFiles: extractBatch,
  sink: deliverBatch,
  exchange: exchangeBatch,
  delta: convertBatch,
  temporary: convertBatch,
  target: actOnBatch,
}
