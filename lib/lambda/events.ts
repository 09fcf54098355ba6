/** The events that the state machine gives to the functions. */
import * as v from 'valibot'
import { manualEventSchema, runStageSchema, uploadEventSchema } from '../aws/lambda-events.ts'
import { count, type DataOf } from '../model/json-schema.ts'
import { planItemSchema } from '../model/plan-data.ts'

const waits = v.object({ count, inRow: count, max: count })
/** Fields of every event; the execution is an ARN, and owns the run. */
const own = { task: v.string(), execution: v.string() }

export type PlanEvent = DataOf<typeof planEventSchema>

export const planEventSchema = v.object({
  ...own,
  /** The whole input of the execution. */
  event: v.union([uploadEventSchema, manualEventSchema]),
  waits,
  /** Batches of the whole execution at once. */
  maxConcurrency: count,
})

/** Process is called once for each batch and tier. */
export type ProcessEvent = DataOf<typeof processEventSchema>

export const processEventSchema = v.object({
  ...own,
  run: runStageSchema,
  item: planItemSchema,
  /** Index into the pipeline's tiers; there is none after the last one. */
  tier: count,
})

export type CommitRunEvent = DataOf<typeof commitRunSchema>

const commitRunSchema = v.object({
  ...own,
  run: runStageSchema,
  waits,
  maxConcurrency: count,
  /** How often this execution has lost the pending parts of the run. */
  losses: v.optional(count, 0),
})

/** With `outputPath` Commit only completes an interrupted commit of that output, and answers `{ done: true }`. */
export type CommitEvent = DataOf<typeof commitEventSchema>

export const commitEventSchema = v.union([commitRunSchema, v.object({ ...own, outputPath: v.string() })])
