/** Lists the nodes that a node requires, with what its steps need to know of them. */
import type { UpstreamNode } from '../model/run/upstream-node.ts'
import type { GraphNode, TaskGraph } from './graph.ts'
import { nodeIndex } from './node-index.ts'

export function upstreamNodes(graph: TaskGraph): (node: GraphNode) => readonly UpstreamNode[] {
  const index = nodeIndex(graph)
  return ({ groups }) =>
    Object.entries(groups).flatMap(([name, keys]) =>
      keys.flatMap(key => {
        const found = index.find(key)
        if (!found) return []
        const { task, params, output: outputPath } = found
        return [{ node: key, name, task, params, outputPath }]
      }),
    )
}
