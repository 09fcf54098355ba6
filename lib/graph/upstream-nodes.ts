/** Lists the nodes that a node requires, with what its steps need to know of them. */
import type { UpstreamNode } from '../model/upstream-node.ts'
import type { GraphNode, TaskGraph } from './graph.ts'

/** Nodes by their keys: a graph is asked about each of its nodes. */
const keyed = new WeakMap<TaskGraph, ReadonlyMap<string, GraphNode>>()

/** Returns a function that lists the nodes which a node of the graph requires. */
export function upstreamNodes(graph: TaskGraph): (node: GraphNode) => readonly UpstreamNode[] {
  const byKey = keyed.get(graph) ?? new Map(graph.nodes.map(node => [node.key, node]))
  keyed.set(graph, byKey)
  return ({ groups }) =>
    Object.entries(groups).flatMap(([name, keys]) =>
      keys.flatMap(key => {
        const found = byKey.get(key)
        return found ? [upstreamNode(name, found)] : []
      }),
    )
}

const upstreamNode = (name: string, { key, task, params, output }: GraphNode): UpstreamNode => ({
  ...{ node: key, name, task, params },
  outputPath: output,
})
