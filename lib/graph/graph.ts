/** The graph of a walk as JSON: nodes, which are tasks with their parameters, and what each requires; the content of graph.json. */
import * as v from 'valibot'
import { record } from '../errors/record-schema.ts'
import type { DataOf } from '../model/json-schema.ts'
import { formatVersion, paramsSchema } from '../model/outcome/manifest.ts'
import { canonicalJson, shortHash } from '../model/run/identity.ts'
import { reader } from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'

const keysSchema = v.array(v.string())

export const targetsSchema = v.array(v.object({ node: v.string(), path: v.string(), isGlob: v.boolean() }))

const nodeSchema = v.object({
  /** The id of the node, as events and results have it: `flights(month=2001-01)`. */
  key: v.string(),
  task: v.string(),
  params: paramsSchema,
  /** Path of the output under the output root. */
  output: v.string(),
  /** Keys of the nodes that must be complete first. */
  requires: keysSchema,
  /** The same keys by the names that the task has for its requirements. */
  groups: record(v.string(), keysSchema),
  /** Files of external tasks that must be there first. */
  targets: v.optional(targetsSchema),
  /** Whether its function `discover` has answered what it requires besides; absent for tasks without one. */
  isDiscovered: v.optional(v.boolean()),
  /** Hash of the code of its task, and its lineage; absent where no output of the pipeline is salted. */
  code: v.optional(v.string()),
  lineage: v.optional(v.string()),
  /** Key of the node that writes the same output before this one; absent where there is none. */
  after: v.optional(v.string()),
})
/** A task with its parameters. */
export type GraphNode = DataOf<typeof nodeSchema>

export const graphSchema = v.object({
  fanmill: v.literal(formatVersion),
  pipeline: v.string(),
  /** Keys of the nodes that were requested. */
  requested: keysSchema,
  /** Each after those that it requires. */
  nodes: v.array(nodeSchema),
})
/** graph.json: what a walk runs, and in which order. */
export type TaskGraph = DataOf<typeof graphSchema>

/** Reads graph.json. @throws STATE_INVALID */
export const readGraph = reader(graphSchema)

/** Limit on the nodes of a graph: a state file of some megabytes, and a walk whose end a person can still read. */
export const nodeCountMax = 10_000

/** Returns 16 hexadecimal digits that are the same for the same request of the same pipeline. */
export function graphIdOf({ pipeline, requested }: Pick<TaskGraph, 'pipeline' | 'requested'>): string {
  return shortHash(canonicalJson({ pipeline, requested }))
}

/**
 * Returns the key of what a node has answered, which is used again by other walks until the node is complete. It has the pipeline, as
 * another one with the same state may have a node of that key.
 */
export const answerKey = (pipeline: string, nodeKey: string): string =>
  `${stateRoot}graphs/discovered/${shortHash(canonicalJson({ pipeline, node: nodeKey }))}.json`

export function graphKeys(graphId: string) {
  const folder = `${stateRoot}graphs/${graphId}/`
  return {
    folder,
    graph: `${folder}graph.json`,
    /** How each node ended, of a walk on a laptop. */
    walk: `${folder}walk.json`,
    request: `${folder}request.json`,
    /** The nodes that a step gives to the state machine. */
    wave: (step: number) => `${folder}waves/${step}.json`,
    /** The state of a walk after a step, and the answer of that step. */
    steps: `${folder}steps/`,
    step: (step: number) => `${folder}steps/${step}.json`,
    /** The runs that the nodes of a wave have begun, and how the nodes ended. */
    runs: (step: number) => `${folder}runs/${step}/`,
    ends: (step: number) => `${folder}ends/${step}/`,
    /** Name of a node's file in these folders; its key may be longer than a name may be. */
    file: (nodeKey: string) => `${shortHash(nodeKey)}.json`,
  } as const
}
