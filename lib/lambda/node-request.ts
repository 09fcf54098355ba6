/** The run that a node of a graph requests, from the files of the graph. */
import type { NodeRef } from '../aws/lambda-events.ts'
import { PermanentError } from '../errors/errors.ts'
import { type GraphNode, graphKeys, readGraph } from '../graph/graph.ts'
import { readState } from '../state/files.ts'
import { type GraphRequestRecord, readGraphRequest } from './graph-request.ts'
import { isByHand, isUpload, type RunRequest } from './run-request.ts'
import type { LambdaSession } from './session.ts'

/** @throws STATE_INVALID when the graph is not there, or has no such node */
export async function readNodeRequest({ output }: LambdaSession, node: NodeRef): Promise<RunRequest> {
  const { nodes, request, requested } = await openGraph(output, node.graph)
  const found = nodes.get(node.key)
  if (!found) throw missing(node.graph, `node ${node.key}`)
  const { event } = request
  return {
    params: found.params,
    isUpload: isUpload(event),
    force: isByHand(event) && event.force === true && requested.has(node.key),
    ended: isByHand(event) ? (event.ended ?? []) : [],
  }
}

/** A graph as Plan needs it. */
interface OpenedGraph {
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly requested: ReadonlySet<string>
  readonly request: GraphRequestRecord
}

/** The graph that this process has read last: its files never change, and a process plans many nodes of one graph. */
let opened: { readonly output: LambdaSession['output']; readonly id: string; readonly graph: OpenedGraph } | undefined

async function openGraph(output: LambdaSession['output'], id: string): Promise<OpenedGraph> {
  if (opened?.output === output && opened.id === id) return opened.graph
  const keys = graphKeys(id)
  const [graph, request] = await Promise.all([
    readState(output, keys.graph, readGraph),
    readState(output, keys.request, readGraphRequest),
  ])
  if (!graph || !request) throw missing(id, `${keys.graph} and ${keys.request}`)
  const nodes = new Map(graph.nodes.map(node => [node.key, node]))
  opened = { output, id, graph: { nodes, requested: new Set(graph.requested), request } }
  return opened.graph
}

function missing(graph: string, what: string): PermanentError {
  const message = `graph ${graph}: expected ${what}, which the execution wrote when it began, got nothing; start it again`
  return new PermanentError('STATE_INVALID', message, { graph })
}
