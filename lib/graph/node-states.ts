/** Decides which nodes of a graph may run now, from what is known of each. */
import type { GraphNode, TaskGraph } from './graph.ts'

/**
 * The state of a node: `skipped` was complete already, `busy` is being worked on by another process, and `notRun` will not run,
 * because a node that it requires failed or was not run. A node without a state waits.
 */
export type NodeState = 'running' | 'busy' | 'complete' | 'skipped' | 'failed' | 'notRun'

/** States by key of the node. */
export type NodeStates = Readonly<Record<string, NodeState>>

/** Whether a node in this state has its output. */
export const isDone = (state: NodeState | undefined): boolean => state === 'complete' || state === 'skipped'
const isLost = (state: NodeState | undefined): boolean => state === 'failed' || state === 'notRun'

/** Whether a node in this state is worked on no more. */
export const isEnded = (state: NodeState | undefined): boolean => isDone(state) || isLost(state)

/**
 * Returns the nodes that may run at once: all that they require is complete, and the nodes before them that write the same output
 * have ended. So no two nodes of one output are returned together, and they run in the order of their parameters.
 */
export function readyNodes({ nodes }: TaskGraph, states: NodeStates): readonly GraphNode[] {
  return nodes.filter(
    ({ key, requires, after }) =>
      states[key] === undefined &&
      requires.every(one => isDone(states[one])) &&
      (after === undefined || isEnded(states[after])),
  )
}

/** Returns the nodes without a state that cannot run any more, because something that they require failed or will not run. */
export function lostNodes({ nodes }: TaskGraph, states: NodeStates): readonly GraphNode[] {
  const lost = new Set<string>()
  // Each node stands after those that it requires.
  for (const { key, requires } of nodes) {
    if (states[key] === undefined && requires.some(one => isLost(states[one]) || lost.has(one))) lost.add(key)
  }
  return nodes.filter(({ key }) => lost.has(key))
}
