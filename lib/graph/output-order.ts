/** Orders the nodes that write one output, and refuses those that may not share it. */
import type { ParamValue, TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { GraphNode } from './graph.ts'
import { isEnded, type NodeState, type NodeStates } from './node-states.ts'

/**
 * Returns the nodes with `after`: nodes of one output follow each other in the order of their parameters. A node that requires
 * another one of its output, also by way of others, comes after it. Nodes that have begun come before all others.
 * @throws OUTPUT_AMBIGUOUS when the mode of the output does not keep the rows of other nodes
 */
export function orderOutputs(
  nodes: readonly GraphNode[],
  tasks: readonly TaskDefinition[],
  states: NodeStates = {},
): readonly GraphNode[] {
  if (new Set(nodes.map(({ output }) => output)).size === nodes.length) return withoutTurns(nodes)
  const depths = depthsOf(nodes)
  const before = new Map<string, string>()
  for (const [output, sharing] of Map.groupBy(nodes, node => node.output)) {
    if (sharing.length > 1) checkShared(output, sharing, tasks)
    const ordered = sharing.toSorted(
      (a, b) =>
        turnOf(states[a.key]) - turnOf(states[b.key]) ||
        (depths.get(a.key) ?? 0) - (depths.get(b.key) ?? 0) ||
        compareParams(a, b),
    )
    ordered.forEach(({ key }, index) => {
      const previous = ordered[index - 1]
      if (previous) before.set(key, previous.key)
    })
  }
  return nodes.map(node => ({ ...node, after: before.get(node.key) }))
}

const withoutTurns = (nodes: readonly GraphNode[]): readonly GraphNode[] =>
  nodes.every(({ after }) => after === undefined) ? nodes : nodes.map(node => ({ ...node, after: undefined }))

/** A graph that grows while it is walked must not let a node wait for one that has begun already to begin. */
const turnOf = (state: NodeState | undefined): number => (isEnded(state) ? 0 : state === undefined ? 2 : 1)

/** Returns the length of the longest way from each node to one that requires nothing. */
export function depthsOf(nodes: readonly Pick<GraphNode, 'key' | 'requires'>[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>()
  for (const { key, requires } of nodes)
    depths.set(
      key,
      requires.reduce((depth, one) => Math.max(depth, 1 + (depths.get(one) ?? 0)), 0),
    )
  return depths
}

function checkShared(output: string, sharing: readonly GraphNode[], tasks: readonly TaskDefinition[]): void {
  const [first, second] = sharing
  const other = sharing.find(({ task }) => task !== first?.task) ?? second
  const mode = tasks.find(({ name }) => name === first?.task)?.output.mode ?? 'replace'
  if (first?.task === other?.task && (mode === 'append' || mode === 'replacePartitions')) return
  const both = [first?.key, other?.key]
  const message = `expected outputs apart, got ${output} of ${both.join(' and of ')}, whose mode is ${mode}: one would replace the rows of the other; put their parameters or {salt} in the path, or choose append or replacePartitions`
  throw new PermanentError('OUTPUT_AMBIGUOUS', message, { nodes: both, path: output })
}

/** Compares parameters in the order of their definition, numbers as numbers. */
function compareParams(one: GraphNode, other: GraphNode): number {
  for (const [name, value] of Object.entries(one.params)) {
    const compared = compareValues(value, other.params[name] ?? value)
    if (compared !== 0) return compared
  }
  return 0
}

function compareValues(one: ParamValue, other: ParamValue): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one) < String(other) ? -1 : String(one) > String(other) ? 1 : 0
}
