/** Adds to a graph what a node requires besides, as its function `discover` has answered. */
import * as v from 'valibot'
import type { PipelineDefinition } from '../define/definition.ts'
import { record } from '../errors/record-schema.ts'
import type { DataOf } from '../model/json-schema.ts'
import { paramsSchema } from '../model/outcome/manifest.ts'
import { taskNamed } from '../model/run/resolve-task.ts'
import { reader } from '../state/state.ts'
import { type GraphNode, type TaskGraph, targetsSchema } from './graph.ts'
import { type CodeHash, lineages, unknownCode } from './lineage.ts'
import { nodeIndex, shareIndex } from './node-index.ts'
import { inOrder } from './node-order.ts'
import type { NodeStates } from './node-states.ts'
import { orderOutputs } from './output-order.ts'
import { allRequiredNodes } from './required-nodes.ts'
import { addNodes, bindTask, type GrowingGraph, requiredKeys } from './resolve-graph.ts'

const answerSchema = v.object({
  /** Key of the node that was asked. */
  node: v.string(),
  /** Hash of what the answer may depend on: the code of the task, and what was complete before. */
  identity: v.string(),
  /** Whether the node has been complete since, so that it is asked again. */
  isUsed: v.boolean(),
  /** All nodes that it requires, by the names that the task has for them. */
  groups: record(v.string(), v.array(v.object({ task: v.string(), params: paramsSchema }))),
  targets: targetsSchema,
})
/** The requirements of a node, as they are recorded. */
export type RecordedAnswer = DataOf<typeof answerSchema>
/** The requirements of a node, with those that it has answered. */
export type Answer = Pick<RecordedAnswer, 'groups' | 'targets'>

/** Reads a recorded answer. @throws STATE_INVALID */
export const readAnswer = reader(answerSchema)

/** Whether `discover` of a node must be called before the node may run. */
export const needsDiscovery = ({ isDiscovered }: GraphNode): boolean => isDiscovered === false

/**
 * Checks what `discover` returned, and binds its parameters.
 * @throws DEFINITION_INVALID, PARAM_UNBOUND, PARAM_CONFLICT with the path through the graph
 */
export function answerFrom(
  pipeline: PipelineDefinition,
  { graph, node, returned }: { readonly graph: TaskGraph; readonly node: GraphNode; readonly returned: unknown },
): Answer {
  const bound = bindTask(taskNamed(pipeline, node.task), node.params)
  const { groups, targets } = allRequiredNodes(pipeline, bound, { returned, pathTo: () => pathTo(graph, node.key) })
  const named = Object.entries(groups).map(([name, all]) => {
    return [name, all.map(({ task, params }) => ({ task: task.name, params }))] as const
  })
  return { groups: Object.fromEntries(named), targets }
}

/**
 * Returns the graph in which a node requires what it has answered. Nodes before it keep their places.
 * @throws GRAPH_CYCLE, GRAPH_TOO_LARGE, PARAM_UNBOUND, PARAM_CONFLICT, OUTPUT_AMBIGUOUS, DEFINITION_INVALID with the path through the graph
 */
export function expandGraph(
  pipeline: PipelineDefinition,
  graph: TaskGraph,
  { key, answer, states, codeHash = unknownCode }: Expansion,
): TaskGraph {
  const index = nodeIndex(graph)
  const node = index.find(key)
  if (!node) throw new TypeError(`expected node ${key} in the graph`)
  const path = (): readonly string[] => pathTo(graph, key)
  const groups = Object.entries(answer.groups).map(
    ([name, all]) => [name, all.map(({ task, params }) => bindTask(taskNamed(pipeline, task), params))] as const,
  )
  const required = requiredKeys({ groups: Object.fromEntries(groups), targets: answer.targets })
  const changed = { ...node, ...required, isDiscovered: true }
  const added = new Map<string, GraphNode>()
  const find = (one: string): GraphNode | undefined => (one === key ? changed : (added.get(one) ?? index.find(one)))
  const nodes: GrowingGraph['nodes'] = {
    get: find,
    has: one => find(one) !== undefined,
    get size() {
      return graph.nodes.length + added.size
    },
    set: (one, each) => added.set(one, each),
  }
  const growing = { pipeline, nodes, lineageOf: lineages(pipeline, codeHash) }
  for (const each of groups.flatMap(([, all]) => all)) if (!nodes.has(each.key)) addNodes(growing, each, path)
  const ordered = withAdded(graph.nodes, { changed, added, path })
  const others = [changed, ...added.values()]
  if (!index.areApart(others)) return { ...graph, nodes: orderOutputs(ordered, pipeline.tasks, states) }
  const grown = { ...graph, nodes: ordered }
  shareIndex(graph, grown, others)
  return grown
}

interface Additions {
  /** The node that requires what was added, with all that it requires. */
  readonly changed: GraphNode
  readonly added: ReadonlyMap<string, GraphNode>
  readonly path: () => readonly string[]
}

/**
 * Returns the nodes with those that were added before the node that requires them, which is their order unless they require a node behind
 * it. A graph may grow by thousands of answers, and ordering all of its nodes costs several times as much. @throws GRAPH_CYCLE
 */
function withAdded(known: readonly GraphNode[], { changed, added, path }: Additions): readonly GraphNode[] {
  const at = known.findIndex(({ key }) => key === changed.key)
  const before = known.slice(0, at)
  const required = new Set([changed, ...added.values()].flatMap(({ requires }) => requires))
  for (const key of added.keys()) required.delete(key)
  if (required.size > 0) for (const { key } of before) required.delete(key)
  if (required.size === 0) return [...before, ...added.values(), changed, ...known.slice(at + 1)]
  const all = [...known.with(at, changed), ...added.values()]
  return inOrder(new Map(all.map(node => [node.key, node])), path)
}

interface Expansion {
  readonly key: string
  readonly answer: Answer
  readonly states: NodeStates
  /** Needed where an output of the pipeline is salted. */
  readonly codeHash?: CodeHash
}

/** Returns keys from a requested node to this one. */
function pathTo({ nodes }: TaskGraph, key: string): readonly string[] {
  const path = [key]
  for (;;) {
    const requiring = nodes.find(({ requires }) => requires.includes(path[0] as string))
    if (!requiring) return path
    path.unshift(requiring.key)
  }
}
