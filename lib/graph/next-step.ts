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
  /** What the step before knew. */
  readonly walk: Walk
  /** Ends of the nodes that it gave; a node that has none is lost. */
  readonly ends: readonly NodeEnd[]
}

/** Returns the next step and what is known before it. A node is given again at most as often as its task's `retries` say, and once after a change. */
export function nextStep({ pipeline, graph, walk, ends }: StepInput): { readonly step: NextStep; readonly walk: Walk } {
  const endOf = new Map(ends.map(end => [end.key, end]))
  const retriesOf = retriesIn(pipeline, graph)
  const given = walk.given.map(key => endOf.get(key) ?? { ...lostNode, key })
  const nodes = { ...walk.nodes }
  for (const end of given) nodes[end.key] = afterEnd(nodes[end.key] ?? untried, end, retriesOf(end.key))
  for (const { key } of lostNodes(graph, statesOf(nodes))) nodes[key] = { ...untried, ...nodes[key], state: 'notRun' }
  const busy = given.filter(({ status }) => status === 'busy').map(({ key }) => key)
  const isContinued = walk.isContinued || given.some(({ status }) => status === 'continued')
  const known = { given: [], busy, isContinued, nodes }
  const ready = fitResources(pipeline, { ready: readyNodes(graph, statesOf(nodes)), running: [] })
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

function statesOf(nodes: Walk['nodes']): Readonly<Record<string, NodeState>> {
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
