/** The state of a walk in waves: how each node ended, and what is known of all nodes after a wave. */
import * as v from 'valibot'
import { record } from '../errors/record-schema.ts'
import { count, type DataOf } from '../model/json-schema.ts'
import { runNameSchema } from '../model/run/identity.ts'
import { reader } from '../state/state.ts'

const faultSchema = v.object({ code: v.optional(v.string()), message: v.string() })
/** Why a node failed. */
export type NodeFault = DataOf<typeof faultSchema>

const nodeEndSchema = v.object({
  key: v.string(),
  /**
   * `complete`: its run was committed. `skipped`: it was complete before. `busy`: another process works on it. `left`: another execution
   * for the same upload waits for its output, and runs it. `superseded`: a run that read all of its inputs was committed first.
   * `continued`: it waited so long that another execution continues.
   */
  status: v.picklist(['complete', 'skipped', 'busy', 'left', 'superseded', 'continued', 'failed']),
  run: v.optional(v.partial(runNameSchema)),
  fault: v.optional(faultSchema),
})
/** How a node ended in one wave. */
export type NodeEnd = DataOf<typeof nodeEndSchema>

const nodeRunSchema = v.object({ key: v.string(), run: runNameSchema })
/** The run that a node has begun or continued. */
export type NodeRun = DataOf<typeof nodeRunSchema>

const walkedNodeSchema = v.object({
  /** Absent while the node waits. */
  state: v.optional(v.picklist(['complete', 'skipped', 'failed', 'notRun'])),
  /** Times that it failed. */
  failures: count,
  /** Times that it was planned again because its inputs or its output had changed meanwhile. */
  replans: count,
  run: v.optional(v.partial(runNameSchema)),
  /** The error of its last failure. */
  fault: v.optional(faultSchema),
})
/** The state of a node that was given, or that will not run. */
export type WalkedNode = DataOf<typeof walkedNodeSchema>

const walkSchema = v.object({
  /** Keys of the nodes of this step's wave; empty where the step only waited. */
  given: v.array(v.string()),
  /** Keys of nodes that another process works on: they are given again after a wait. */
  busy: v.array(v.string()),
  /** Whether a node has used up its waits, so that another execution continues. */
  isContinued: v.boolean(),
  nodes: record(v.string(), walkedNodeSchema),
})
/** The state of a walk after a step. */
export type Walk = DataOf<typeof walkSchema>

const stepSchema = v.object({ walk: walkSchema, answer: v.looseObject({ status: v.string() }) })
/** steps/{n}.json: what a walk knows after a step, and what was answered. */
export type StepRecord = DataOf<typeof stepSchema>

/** Each reads one kind of file of a walk. @throws STATE_INVALID */
export const readNodeRun = reader(nodeRunSchema)
export const readStep = reader(stepSchema)
export const readNodeEnd = reader(nodeEndSchema)

/** The walk before its first step. */
export const newWalk: Walk = { given: [], busy: [], isContinued: false, nodes: {} }
