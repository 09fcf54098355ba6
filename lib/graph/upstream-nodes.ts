/** Lists the nodes that a node requires, with what its steps need to know of them. */
import type { UpstreamNode } from '../model/upstream-node.ts'
import type { GraphNode, TaskGraph } from './graph.ts'

/** Returns a function that lists the nodes which a node of the graph requires. */
export function upstreamNodes({ nodes }: TaskGraph): (node: GraphNode) => readonly UpstreamNode[] {
  const byKey = new Map(nodes.map(node => [node.key, node]))
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
