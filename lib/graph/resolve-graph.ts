/** Resolves what is requested of a pipeline into a graph, and finds what is wrong with it before anything runs. */
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { formatVersion } from '../model/outcome/manifest.ts'
import { nodeIdOf } from '../model/run/node-name.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { ownValues, refuseForeignParam } from '../model/run/param-values.ts'
import { taskNamed } from '../model/run/resolve-task.ts'
import { type GraphNode, nodeCountMax, type TaskGraph } from './graph.ts'
import { cycle, tooManyNodes } from './graph-errors.ts'
import { type CodeHash, lineages, unknownCode } from './lineage.ts'
import { orderOutputs } from './output-order.ts'
import { paramSets } from './param-sets.ts'
import { type BoundTask, type RequiredNodes, requiredNodes } from './required-nodes.ts'

export interface GraphRequest {
  /** The name of a task, or those of several; default all of the pipeline. */
  readonly tasks?: string | readonly string[] | undefined
  /** Values of parameters by name: one, a list, or a range such as `2001-01..2001-12`. Each task takes those that it has. */
  readonly params?: Readonly<Record<string, unknown>>
}

/**
 * Returns the nodes of the requested tasks and of all that they require, each after those that it requires.
 * @throws TASK_UNKNOWN, PARAM_INVALID; and with the path through the graph GRAPH_CYCLE, GRAPH_TOO_LARGE, PARAM_UNBOUND, PARAM_CONFLICT,
 * OUTPUT_AMBIGUOUS, DEFINITION_INVALID
 */
export function resolveGraph(
  pipeline: PipelineDefinition,
  request: GraphRequest,
  codeHash: CodeHash = unknownCode,
): TaskGraph {
  const requested = requestedNodes(pipeline, request)
  const nodes = new Map<string, GraphNode>()
  const growing = { pipeline, nodes, lineageOf: lineages(pipeline, codeHash) }
  for (const each of requested) if (!nodes.has(each.key)) addNodes(growing, each)
  return {
    fanmill: formatVersion,
    pipeline: pipeline.name,
    requested: [...new Set(requested.map(({ key }) => key))],
    nodes: orderOutputs([...nodes.values()], pipeline.tasks),
  }
}

function requestedNodes(pipeline: PipelineDefinition, { tasks, params = {} }: GraphRequest): readonly BoundTask[] {
  const chosen = tasks === undefined ? pipeline.tasks : [tasks].flat().map(name => taskNamed(pipeline, name))
  refuseForeignParam(chosen, params)
  return chosen.flatMap(task => setsFor(task, ownValues(task, params)).map(values => bindTask(task, values)))
}

/** @throws as `paramSets`, with the task that needs a parameter without a value: others of the request may need none */
function setsFor(task: TaskDefinition, given: NonNullable<GraphRequest['params']>): readonly ParamValues[] {
  try {
    return paramSets(task.params, given)
  } catch (error) {
    const isMissing = error instanceof PermanentError && given[String(error.detail.param)] === undefined
    if (!isMissing) throw error
    const { code, message, detail } = error
    const advice = `task ${task.name} needs it: give it, as in --param ${detail.param}=VALUE, or name a task that needs none`
    throw new PermanentError(code, `${message}; ${advice}`, { ...detail, task: task.name }, { cause: error })
  }
}

/** Resolves the graph of one task under its parameters, and returns the node of the task in it. @throws as `resolveGraph` */
export function resolveNode(
  pipeline: PipelineDefinition,
  { task, params }: { readonly task: string; readonly params: GraphRequest['params'] },
  codeHash: CodeHash,
): { readonly graph: TaskGraph; readonly node: GraphNode } {
  const graph = resolveGraph(pipeline, { tasks: task, params }, codeHash)
  const node = graph.nodes.find(({ key }) => key === graph.requested[0])
  if (!node) throw new TypeError(`expected a node of task ${task} in its graph`)
  return { graph, node }
}

/** Returns a task with its parameters and the key of their node. */
export const bindTask = (task: TaskDefinition, params: ParamValues): BoundTask => ({
  key: nodeIdOf(task.name, params),
  task,
  params,
})

/** The nodes of a graph to which others are added. */
export interface GrowingGraph {
  readonly pipeline: PipelineDefinition
  readonly nodes: Pick<ReadonlyMap<string, GraphNode>, 'get' | 'has' | 'size'> & {
    set(key: string, node: GraphNode): unknown
  }
  readonly lineageOf: ReturnType<typeof lineages>
}

interface NodeFields extends RequiredNodes {
  readonly node: BoundTask
}

/** A node whose requirements are being added. */
interface Visit extends NodeFields {
  readonly pending: BoundTask[]
}

/**
 * Adds a node after all that it requires. `before` returns the keys on the way to it, for messages. Deliberately without recursion, because a
 * chain may be as long as a graph may be large.
 */
export function addNodes(
  { pipeline, nodes, lineageOf }: GrowingGraph,
  first: BoundTask,
  before: () => readonly string[] = () => [],
): void {
  const stack: Visit[] = []
  const entered = new Set<string>()
  const pathTo = (key: string) => (): readonly string[] => [...before(), ...stack.map(({ node }) => node.key), key]
  const enter = (node: BoundTask): void => {
    const path = pathTo(node.key)
    if (entered.has(node.key)) throw cycle(path())
    if (nodes.size + stack.length >= nodeCountMax) throw tooManyNodes(path())
    const { groups, targets } = requiredNodes(pipeline, node, path)
    stack.push({ node, groups, targets, pending: Object.values(groups).flat().reverse() })
    entered.add(node.key)
  }
  enter(first)
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.pending.pop()
    if (next && !nodes.has(next.key)) enter(next)
    if (next) continue
    stack.pop()
    entered.delete(top.node.key)
    nodes.set(top.node.key, newNode(top, { nodes, lineageOf }))
  }
}

function newNode(fields: NodeFields, { nodes, lineageOf }: Omit<GrowingGraph, 'pipeline'>): GraphNode {
  const { key, task, params } = fields.node
  const required = requiredKeys(fields)
  const lineage = lineageOf({ key, requires: required.requires }, { task, nodes })
  return {
    ...{ key, task: task.name, params },
    output: outputPathOf(task, params, lineage.lineage),
    ...{ ...required, ...lineage },
    ...(task.discover && { isDiscovered: false }),
  }
}

/** Returns the fields of a node that name what it requires. */
export function requiredKeys({ groups, targets }: RequiredNodes): Pick<GraphNode, 'requires' | 'groups' | 'targets'> {
  const keys = Object.entries(groups).map(([name, all]) => [name, all.map(({ key }) => key)] as const)
  return {
    requires: [...new Set(keys.flatMap(([, all]) => all))],
    groups: Object.fromEntries(keys),
    ...(targets.length > 0 && { targets }),
  }
}
