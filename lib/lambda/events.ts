/** The events that the state machine gives to the functions. */
import * as v from 'valibot'
import { manualEventSchema, runNameSchema, uploadEventSchema } from '../aws/lambda-events.ts'
import { planItemSchema } from '../model/plan-data.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const waits = v.object({ count, inRow: count, max: count })
/** The execution is an ARN: the owner of the run. */
const own = { task: v.string(), execution: v.string() }

export type PlanEvent = v.InferOutput<typeof planEventSchema>

export const planEventSchema = v.object({
  ...own,
  /** The whole input of the execution. */
  event: v.union([uploadEventSchema, manualEventSchema]),
  waits,
  /** Batches of the whole execution at once. */
  maxConcurrency: count,
})

/** Process is called once for each batch and tier. */
export type ProcessEvent = v.InferOutput<typeof processEventSchema>

export const processEventSchema = v.object({
  ...own,
  run: runNameSchema,
  item: planItemSchema,
  /** Index into the pipeline's tiers; there is none after the last one. */
  tier: count,
})

export type CommitRunEvent = v.InferOutput<typeof commitRunSchema>

const commitRunSchema = v.object({
  ...own,
  run: runNameSchema,
  waits,
  maxConcurrency: count,
  /** How often this execution has lost the pending parts of the run. */
  losses: v.optional(count, 0),
})

/** With `outputPath` Commit only completes an interrupted commit of that output, and answers `{ done: true }`. */
export type CommitEvent = v.InferOutput<typeof commitEventSchema>

export const commitEventSchema = v.union([commitRunSchema, v.object({ ...own, outputPath: v.string() })])
