/** The events that the state machine gives to the functions. */
import * as v from 'valibot'
import { executionInputSchema, nodeRefSchema, runStageSchema } from '../aws/lambda-events.ts'
import { shippedHashSchema } from '../aws/shipment.ts'
import { count, type DataOf } from '../model/json-schema.ts'
import { planItemSchema } from '../model/plan-data.ts'
import { runNameSchema } from '../model/run/identity.ts'

const waits = v.object({ count, inRow: count, max: count })
const faultSchema = v.looseObject({ Error: v.optional(v.string()), Cause: v.optional(v.string()) })
/** Hash of the shipped code that the execution runs; empty, or absent in definitions of older versions, for the deployed code. */
const shippedField = v.optional(v.union([v.literal(''), shippedHashSchema]))
/** Fields of every event; the execution owns the run: an ARN, in a graph followed by `#` and the key of the node. */
const own = { task: v.string(), execution: v.string(), node: v.optional(nodeRefSchema), shipped: shippedField }

export type PlanEvent = DataOf<typeof planEventSchema>

export const planEventSchema = v.object({
  ...own,
  /** The whole input of the execution; absent for a node, whose graph has what was requested. */
  event: v.optional(executionInputSchema),
  waits,
  /** Batches of the task at once. */
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
  /** The error that Step Functions caught when the call of a service failed: the run ends. */
  fault: v.optional(faultSchema),
})

/** With `outputPath` Commit only completes an interrupted commit of that output, and answers `{ done: true }`. */
export type CommitEvent = DataOf<typeof commitEventSchema>

export const commitEventSchema = v.union([commitRunSchema, v.object({ ...own, outputPath: v.string() })])

export type GraphStepEvent = DataOf<typeof graphStepSchema>

const graphStepSchema = v.object({
  execution: v.string(),
  /** The whole input of the execution. */
  event: executionInputSchema,
  /** Counts the calls of this execution. */
  step: count,
  waits,
  /** Batches, and nodes, of the whole execution at once. */
  maxConcurrency: count,
  nodeConcurrency: count,
})

export type NodeEndEvent = DataOf<typeof nodeEndEventSchema>

const nodeEndEventSchema = v.object({
  ...own,
  node: nodeRefSchema,
  end: v.object({
    status: v.string(),
    /** The fault that Step Functions caught, where a function failed. */
    fault: v.optional(faultSchema),
    /** Input of the state in which the node ended. */
    state: v.looseObject({
      run: v.optional(v.partial(v.object(runNameSchema.entries))),
      commit: v.optional(v.unknown()),
    }),
  }),
})

/** With `end` the function only records how a node ended. */
export const graphEventSchema = v.union([nodeEndEventSchema, graphStepSchema])
