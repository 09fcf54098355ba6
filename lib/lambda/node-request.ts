/** The run that a node of a graph requests, from the files of the graph. */
import type { NodeRef } from '../aws/lambda-events.ts'
import { PermanentError, TransientError } from '../errors/errors.ts'
import { needsDiscovery } from '../graph/discovered-nodes.ts'
import { type GraphNode, graphKeys, readGraph, type TaskGraph } from '../graph/graph.ts'
import { nodeIndex } from '../graph/node-index.ts'
import { upstreamNodes } from '../graph/upstream-nodes.ts'
import type { ExternalTarget, UpstreamNode } from '../model/run/upstream-node.ts'
import { readState } from '../state/files.ts'
import { type GraphRequestRecord, readGraphRequest } from './graph-request.ts'
import { isByHand, isUpload, type RunRequest } from './run-request.ts'
import type { LambdaSession } from './session.ts'

/** @throws STATE_INVALID when the graph is not there, or has no such node */
export async function readNodeRequest({ output }: LambdaSession, node: NodeRef): Promise<RunRequest> {
  const { request, requested, found } = await openNode(output, node)
  const { event } = request
  return {
    params: found.params,
    isUpload: isUpload(event),
    force: isByHand(event) && event.force === true && requested.has(node.key),
    ended: isByHand(event) ? (event.ended ?? []) : [],
  }
}

/** The nodes and files that a run requires, and the path of its output. */
export interface TaskUpstream {
  readonly outputPath: string
  readonly upstream: readonly UpstreamNode[]
  readonly targets: readonly ExternalTarget[]
}

/** Returns what a node requires, by its graph. @throws STATE_INVALID; RUN_CHANGED, transient, where other code resolved a path with a salt */
export async function readNodeUpstream(
  { output, codeHashes }: Pick<LambdaSession, 'output' | 'codeHashes'>,
  node: NodeRef,
): Promise<TaskUpstream> {
  const { graph, found } = await openNode(output, node)
  if (found.code !== undefined && found.code !== codeHashes[found.task]) throw deployedMeanwhile(found)
  return upstreamIn(graph, found)
}

/** Returns what a node of a graph requires. */
export const upstreamIn = (graph: TaskGraph, node: GraphNode): TaskUpstream => ({
  outputPath: node.output,
  upstream: upstreamNodes(graph)(node),
  targets: node.targets ?? [],
})

/** Transient, because a deployment may have reached Graph but not yet Plan. */
function deployedMeanwhile({ key, task, output }: GraphNode): TransientError {
  const message = `${key}: expected the code that ${output} was resolved for, whose path has a salt, got other code; a deployment may be under way: it is tried again for some minutes; if it still fails, the pipeline was deployed meanwhile; start it again`
  return new TransientError('RUN_CHANGED', message, { node: key, task, outputPath: output })
}

/** Opens the graph of a node. A graph grows while it is walked, but a node is planned only when all is known of it. */
async function openNode(output: LambdaSession['output'], { graph: id, key }: NodeRef) {
  for (const isFresh of [false, true]) {
    if (isFresh) opened = undefined
    const openedGraph = await openGraph(output, id)
    const found = nodeIndex(openedGraph.graph).find(key)
    if (found && !needsDiscovery(found)) return { ...openedGraph, found }
  }
  throw missing(id, `node ${key}`)
}

/** A graph as Plan needs it. */
interface OpenedGraph {
  readonly graph: TaskGraph
  readonly requested: ReadonlySet<string>
  readonly request: GraphRequestRecord
}

/** The graph that this process has read last: a process plans many nodes of one graph. */
let opened: { readonly output: LambdaSession['output']; readonly id: string; readonly graph: OpenedGraph } | undefined

async function openGraph(output: LambdaSession['output'], id: string): Promise<OpenedGraph> {
  if (opened?.output === output && opened.id === id) return opened.graph
  const keys = graphKeys(id)
  const [graph, request] = await Promise.all([
    readState(output, keys.graph, readGraph),
    readState(output, keys.request, readGraphRequest),
  ])
  if (!graph || !request) throw missing(id, `${keys.graph} and ${keys.request}`)
  opened = { output, id, graph: { graph, requested: new Set(graph.requested), request } }
  return opened.graph
}

function missing(graph: string, what: string): PermanentError {
  const message = `graph ${graph}: expected ${what}, which the execution wrote when it began, got nothing; start it again`
  return new PermanentError('STATE_INVALID', message, { graph })
}
