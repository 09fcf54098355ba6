/**
 * Processes a batch for a sink: converts each slice alone, then gives its rows to the user's function.
 * Slices are those of the plan, and each is cut into pieces in the same way on every machine, so that a key has the same rows in every
 * try. Nothing is given away before the whole batch is converted.
 */
import { checkSchemas } from '../commit/accounts.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Slice } from '../model/plan-data.ts'
import type { ShareResult } from '../model/share.ts'
import { sumFields } from '../model/sum-fields.ts'
import type { WorkerResults } from '../model/worker-job.ts'
import { settleAll } from '../store/settle-all.ts'
import { buildOutcome } from './batch-outcome.ts'
import type { ProcessTools, WorkOfBatch } from './process-tools.ts'
import { shareOut } from './share/distribute.ts'
import { retryTransient } from './share/retry-transient.ts'

type Delivered = WorkerResults['deliver']

/** @throws SINK_FAILED when the user's function fails; whatever reading or converting throws */
export const deliverBatch: WorkOfBatch = async (run, item, { slices, inputs }, tools) => {
  const loading = { runId: run.runId, startedAt: run.startedAt }
  const convert = async (slice: Slice): Promise<ShareResult[]> =>
    shareOut(item, { slices: [slice], inputs }, { ...tools, token: `${tools.token}-${slice.slice}`, run: loading })
  const converted = await settleAll(slices.map(convert))
  const results = converted.flat()
  const schema = schemaOf(results)
  const delivered = await settleAll(
    slices.map((slice, index) => {
      const key = `${run.runId}/${run.attempt}/${item.batch}/${slice.slice}`
      return deliver({ key, schema, results: converted[index] ?? [] }, tools)
    }),
  )
  const outcome = await buildOutcome(run, item, { slices, results, staged: [] }, tools)
  return { ...outcome, delivered: sumFields(delivered, ['rows', 'keys', 'skipped']) }
}

/** Returns the columns that all slices have. @throws INPUT_INVALID when they differ */
function schemaOf(results: readonly ShareResult[]): ShareResult['schema'] {
  const schemas = results.map(({ schema }) => schema)
  checkSchemas(schemas)
  return schemas.find(schema => schema.length > 0) ?? []
}

interface Delivery {
  readonly key: string
  readonly schema: ShareResult['schema']
  readonly results: readonly ShareResult[]
}

/** Gives the rows of one slice to the function: again from the first when it fails with a transient error. */
async function deliver({ key, schema, results }: Delivery, tools: ProcessTools): Promise<Delivered> {
  const parts = results.flatMap(result => result.parts)
  const files = parts.filter(part => part.rows > 0).map(part => part.file)
  const delivered =
    files.length === 0
      ? { rows: 0, keys: 0, skipped: 0 }
      : await retryTransient(
          () => deliveriesOf(tools)(() => tools.workers.run<'deliver'>({ kind: 'deliver', files, schema, key })),
          tools.sleep,
        )
  for (const { file } of parts) await tools.removeFile?.(file)
  return delivered
}

function deliveriesOf({ deliveries }: ProcessTools): NonNullable<ProcessTools['deliveries']> {
  if (deliveries) return deliveries
  throw new PermanentError('STATE_INVALID', 'the run writes to a sink, but its task has another output')
}
