/** Decides the next step of a walk in waves, from how the nodes of the last wave ended. */
import type { PipelineDefinition } from '../define/definition.ts'
import { fitResources } from './fit-resources.ts'
import type { GraphNode, TaskGraph } from './graph.ts'
import { lostNodes, type NodeState, readyNodes } from './node-states.ts'
import type { NodeEnd, Walk, WalkedNode } from './walk-state.ts'

/**
 * `wave`: run its nodes, all at once. `wait`: other processes work on all nodes that could run. `continued`: another execution
 * continues. `ended`: no node can run any more.
 */
export type NextStep =
  | { readonly kind: 'wave'; readonly nodes: readonly GraphNode[] }
  | { readonly kind: 'wait' | 'continued' | 'ended' }

export interface StepInput {
  readonly pipeline: Pick<PipelineDefinition, 'tasks' | 'resources'>
  readonly graph: TaskGraph
  /** The state after the step before. */
  readonly walk: Walk
  /** Ends of the nodes that it gave; a node that has none is lost. */
  readonly ends: readonly NodeEnd[]
}

export interface DecidedStep {
  readonly step: NextStep
  readonly walk: Walk
}

/** Returns what is known once these nodes have ended. A node is given again at most as often as its task's `retries` say, and once after a change. */
export function afterEnds({ pipeline, graph, walk, ends }: StepInput): Walk {
  const endOf = new Map(ends.map(end => [end.key, end]))
  const retriesOf = retriesIn(pipeline, graph)
  const given = walk.given.map(key => endOf.get(key) ?? { ...lostNode, key })
  const nodes = { ...walk.nodes }
  for (const end of given) nodes[end.key] = afterEnd(nodes[end.key] ?? untried, end, retriesOf(end.key))
  const busy = given.filter(({ status }) => status === 'busy').map(({ key }) => key)
  const isContinued = walk.isContinued || given.some(({ status }) => status === 'continued')
  return { given: [], busy, isContinued, nodes }
}

/** Returns what is known once a node could not find out what it requires, which counts as a failure of the node. */
export function afterFailedAnswer(
  { pipeline, graph, walk }: Omit<StepInput, 'ends'>,
  { key, fault }: Pick<NodeEnd, 'key' | 'fault'>,
): Walk {
  const end: NodeEnd = { key, status: 'failed', fault }
  const failed = afterEnd(walk.nodes[key] ?? untried, end, retriesIn(pipeline, graph)(key))
  return { ...walk, nodes: { ...walk.nodes, [key]: failed } }
}

/** Returns the next step after what is known. */
export function decideStep({ pipeline, graph }: Pick<StepInput, 'pipeline' | 'graph'>, walk: Walk): DecidedStep {
  const { busy, isContinued } = walk
  const nodes = { ...walk.nodes }
  for (const { key } of lostNodes(graph, nodeStates(walk))) nodes[key] = { ...untried, ...nodes[key], state: 'notRun' }
  const known = { ...walk, nodes }
  const ready = fitResources(pipeline, { ready: readyNodes(graph, nodeStates(known)), running: [] })
  if (isContinued) return { step: { kind: 'continued' }, walk: known }
  if (ready.length === 0) return { step: { kind: 'ended' }, walk: known }
  if (ready.every(({ key }) => busy.includes(key))) return { step: { kind: 'wait' }, walk: known }
  return { step: { kind: 'wave', nodes: ready }, walk: { ...known, given: ready.map(({ key }) => key) } }
}

const untried: WalkedNode = { failures: 0, replans: 0 }

const lostNode: Pick<NodeEnd, 'status' | 'fault'> = {
  status: 'failed',
  fault: {
    code: 'NODE_LOST',
    message: 'expected a record of its end, got none: its execution was stopped, or failed before it could write one',
  },
}

/** Returns the states of the nodes that have one. */
export function nodeStates({ nodes }: Pick<Walk, 'nodes'>): Readonly<Record<string, NodeState>> {
  return Object.fromEntries(Object.entries(nodes).flatMap(([key, { state }]) => (state ? [[key, state]] : [])))
}

function retriesIn({ tasks }: StepInput['pipeline'], graph: TaskGraph): (key: string) => number {
  const byTask = new Map(tasks.map(({ name, retries = 0 }) => [name, retries]))
  const taskOf = new Map(graph.nodes.map(({ key, task }) => [key, task]))
  return key => byTask.get(taskOf.get(key) ?? '') ?? 0
}

/** Planning again helps where something changed under a run, but not again and again. */
const replansMax = 1

function afterEnd(node: WalkedNode, { status, run, fault }: NodeEnd, retries: number): WalkedNode {
  const known = { ...node, run: run ?? node.run }
  if (status === 'busy' || status === 'continued') return known
  if (status === 'left') return { ...known, state: 'notRun' }
  if (status === 'complete' || status === 'skipped') return { ...known, state: status }
  const isChanged = status === 'superseded' || fault?.code === 'INPUT_CHANGED'
  if (isChanged && node.replans < replansMax) return { ...known, fault, replans: node.replans + 1 }
  const failures = node.failures + 1
  const failed = { ...known, failures, fault: fault ?? supersededFault }
  return failures <= retries ? failed : { ...failed, state: 'failed' }
}

const supersededFault = {
  code: 'SUPERSEDED',
  message: 'another run of this output was committed first, twice; run it again when no other run works on it',
}
