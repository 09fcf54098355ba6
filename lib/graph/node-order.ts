/** Orders nodes so that each follows those that it requires. */
import type { GraphNode } from './graph.ts'
import { cycle } from './graph-errors.ts'

/**
 * Returns the nodes, each after those that it requires, and otherwise as they are. `path` leads to the node whose requirements are new,
 * for messages. Deliberately without recursion, as a chain may be as long as a graph may be large. @throws GRAPH_CYCLE
 */
export function inOrder(nodes: ReadonlyMap<string, GraphNode>, path: () => readonly string[]): readonly GraphNode[] {
  const ordered = new Set<GraphNode>()
  for (const first of nodes.values()) {
    const stack = [visit(first)]
    const entered = new Set([first.key])
    for (let top = ordered.has(first) ? undefined : stack.at(-1); top; top = stack.at(-1)) {
      const key = top.pending.pop()
      const next = key === undefined ? undefined : nodes.get(key)
      if (next && entered.has(next.key))
        throw cycle(roundFrom([...stack.map(({ node }) => node.key), next.key], path()))
      if (next && !ordered.has(next)) {
        stack.push(visit(next))
        entered.add(next.key)
      }
      if (key !== undefined) continue
      stack.pop()
      entered.delete(top.node.key)
      ordered.add(top.node)
    }
  }
  return [...ordered]
}

const visit = (node: GraphNode) => ({ node, pending: node.requires.toReversed() })

/** Returns a round of keys so that it begins with the node whose requirements are new. */
function roundFrom(keys: readonly string[], path: readonly string[]): readonly string[] {
  const round = keys.slice(keys.indexOf(keys.at(-1) as string), -1)
  const at = Math.max(0, round.indexOf(path.at(-1) as string))
  const turned = [...round.slice(at), ...round.slice(0, at)]
  return [...turned, turned[0] as string]
}
