/** Walks a graph on this machine: nodes that are ready run at once, over one pool of threads. */
import { abortError, throwIfAborted } from '../../errors/abort.ts'
import { FanmillError } from '../../errors/errors.ts'
import { expandGraph, needsDiscovery } from '../../graph/discovered-nodes.ts'
import { fitResources } from '../../graph/fit-resources.ts'
import type { GraphNode, TaskGraph } from '../../graph/graph.ts'
import { isDone, lostNodes, type NodeState, readyNodes } from '../../graph/node-states.ts'
import { upstreamNodes } from '../../graph/upstream-nodes.ts'
import type { RunStatus, TaskResult } from '../../model/events.ts'
import { taskNamed } from '../../model/run/resolve-task.ts'
import { refuseWithoutStandIn } from '../../programs/perform.ts'
import type { Session } from '../session.ts'
import type { RunResult, TaskEnd, TaskNode } from '../task-context.ts'
import { emptyResult, shortError } from '../task-result.ts'
import { discoverNode, runNode } from './node-run.ts'
import { type CompleteNode, warnOfReplacedRows } from './replaced-rows.ts'
import { removeTemporaryRows } from './temporary-rows.ts'
import { recordGraph, recordWalk } from './walk-record.ts'

interface Walk {
  readonly session: Session
  /** Grows when a node has found out what it requires besides. */
  graph: TaskGraph
  readonly states: Record<string, NodeState>
  readonly results: Map<string, TaskResult>
  readonly running: Map<string, { readonly node: GraphNode; readonly ended: Promise<void> }>
  nodeOf: (node: GraphNode) => TaskNode
  /** Resolves to true when the graph is in the state; absent where nothing was run. */
  recording?: Promise<boolean>
  /** The graph that was written last. */
  recorded?: TaskGraph
  /** The error of the first failed node. */
  error?: FanmillError
  /** An error that is none of Fanmill's: the walk stops and throws it. */
  bug?: { readonly error: unknown }
}

/**
 * Runs every node, each after those that it requires. A node that fails stops those that require it, and all others run; with
 * `failFast`, or after an abort, no further node begins.
 * @throws what is wrong before any run begins, where nothing else could run
 */
export async function walkGraph(session: Session, graph: TaskGraph): Promise<RunResult> {
  refuseWithoutStandIn(graph.nodes.map(({ task }) => taskNamed(session.pipeline, task)))
  const walk: Walk = {
    ...{ session, graph, states: {}, results: new Map(), running: new Map() },
    nodeOf: taskNodes(session, graph),
  }
  do startNodes(walk)
  while (await oneEnded(walk))
  if (walk.bug) throw walk.bug.error
  const result = resultOfWalk(walk)
  const { nodes } = walk.graph
  const ended = nodes.map(node => ({ ...walk.nodeOf(node), isComplete: isDone(walk.states[node.key]) }))
  await removeTemporaryRows(session, ended)
  await warnOfReplacedRows(
    session,
    nodes.flatMap(node => completeNode(walk, node)),
  )
  if (await walk.recording) await recordWalk(session, walk.graph, walk.results)
  return result
}

function completeNode({ nodeOf, states, results }: Walk, node: GraphNode): readonly CompleteNode[] {
  const result = results.get(node.key)
  return result && isDone(states[node.key]) ? [{ ...nodeOf(node), result }] : []
}

/** Returns a function that adds its task, and what it requires, to a node. */
function taskNodes({ pipeline }: Session, graph: TaskGraph): Walk['nodeOf'] {
  const upstreamOf = upstreamNodes(graph)
  const isAlone = graph.nodes.length === 1
  return node => ({
    task: taskNamed(pipeline, node.task),
    params: node.params,
    outputPath: node.output,
    upstream: upstreamOf(node),
    targets: node.targets ?? [],
    isAlone,
  })
}

/** Limit on the nodes that run at once: while some are planned or committed, others keep the threads busy. */
const nodesAtOnce = ({ workers }: Session): number => workers + 1

function startNodes(walk: Walk): void {
  const { session, graph, states, running } = walk
  for (const node of lostNodes(graph, states)) endWithout(walk, node)
  const { failFast, signal } = session.options
  if (walk.bug || signal?.aborted || (walk.error && failFast)) return
  const active = [...running.values()].map(({ node }) => node)
  const fitting = fitResources(session.pipeline, { ready: readyNodes(graph, states), running: active })
  for (const node of fitting.slice(0, nodesAtOnce(session) - running.size)) {
    states[node.key] = 'running'
    running.set(node.key, { node, ended: endNode(walk, node) })
  }
}

async function oneEnded({ running }: Walk): Promise<boolean> {
  if (running.size === 0) return false
  await Promise.race(Array.from(running.values(), ({ ended }) => ended))
  return true
}

function writerOf({ graph, nodeOf }: Walk, outputPath: string): TaskNode | undefined {
  const writer = graph.nodes.find(({ output }) => output === outputPath)
  return writer && nodeOf(writer)
}

async function endNode(walk: Walk, node: GraphNode): Promise<void> {
  const { session, states, results, running } = walk
  const taskNode = walk.nodeOf(node)
  // Only what was asked for is forced, not all that it requires.
  const force = session.options.force && walk.graph.requested.includes(node.key)
  const own = { ...session, options: { ...session.options, force } }
  const working = needsDiscovery(node)
    ? addDiscovered(walk, own, node)
    : runNode(own, taskNode, path => writerOf(walk, path))
  const end = await working.catch((error: unknown): TaskEnd => {
    if (!(error instanceof FanmillError)) walk.bug ??= { error }
    const result = emptyResult(session, taskNode, 'failed')
    return { result, ...(error instanceof FanmillError && { error }) }
  })
  running.delete(node.key)
  if (!end) return
  walk.error ??= end.error
  const { error } = end
  results.set(node.key, { ...end.result, ...(error && { error: { code: error.code, message: error.message } }) })
  // A walk over complete nodes writes nothing, so that it is possible where the output is read-only.
  if (end.result.status !== 'skipped') walk.recording ??= recordChanged(walk)
  session.emit({ event: 'node', ...end.result, ...(end.error && { error: shortError(end.error) }) })
  states[node.key] = end.result.status
}

/** Adds to the graph what a node requires besides. The node waits for that, and is then ready again. */
async function addDiscovered(walk: Walk, session: Session, node: GraphNode): Promise<undefined> {
  const { pipeline, codeHash, options } = session
  const { key } = node
  const discovering = discoverNode(session, { graph: walk.graph, node, taskNode: walk.nodeOf(node) })
  // An error after an abort is most often of a request that the abort ended.
  const { answer } = await discovering.finally(() => throwIfAborted(options.signal))
  // From here on the node waits: it must not count as one that has begun.
  delete walk.states[key]
  const grown = expandGraph(pipeline, walk.graph, { key, answer, states: walk.states, codeHash })
  const known = new Set(walk.graph.nodes.map(({ task }) => task))
  const added = grown.nodes.filter(({ task }) => !known.has(task))
  refuseWithoutStandIn(added.map(({ task }) => taskNamed(pipeline, task)))
  walk.graph = grown
  walk.nodeOf = taskNodes(session, grown)
  walk.recording = walk.recording?.then(() => recordChanged(walk))
}

/** Writes the graph unless it is written: one write has what several nodes have found out meanwhile. */
async function recordChanged(walk: Walk): Promise<boolean> {
  const { session, graph, recorded } = walk
  if (graph === recorded) return true
  const isRecorded = await recordGraph(session, graph)
  if (isRecorded) walk.recorded = graph
  return isRecorded
}

function endWithout(walk: Walk, node: GraphNode): void {
  walk.states[node.key] = 'notRun'
  // All that the node requires has ended before.
  const failedOf = (key: string) => (walk.states[key] === 'failed' ? key : walk.results.get(key)?.blockedBy)
  const blockedBy = node.requires.map(failedOf).find(key => key !== undefined)
  const result = { ...emptyResult(walk.session, walk.nodeOf(node), 'notRun'), ...(blockedBy && { blockedBy }) }
  walk.results.set(node.key, result)
  walk.session.emit({ event: 'node', ...result })
}

function resultOfWalk(walk: Walk): RunResult {
  const { graph, results, states, session } = walk
  const notBegun = graph.nodes.filter(({ key }) => states[key] === undefined)
  if (notBegun.length > 0) walk.error ??= abortError(session.options.signal)
  const { error } = walk
  for (const node of notBegun) endWithout(walk, node)
  const tasks = graph.nodes.flatMap(({ key }) => results.get(key) ?? [])
  // A fault of the definition or the machine is no result of a run where none began.
  if (error && tasks.every(({ runId }) => runId === '')) throw error
  if (error) return { status: 'failed', tasks, error }
  const status: RunStatus = tasks.every(result => result.status === 'skipped') ? 'skipped' : 'complete'
  return { status, tasks }
}
