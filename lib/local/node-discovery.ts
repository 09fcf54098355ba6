/** Finds out what a node of a walk on this machine requires besides. */
import type { GraphNode, TaskGraph } from '../graph/graph.ts'
import { type FoundAnswer, findAnswer, recordAnswer } from './discovery.ts'
import { tryAgain } from './node-run.ts'
import type { Session } from './session.ts'
import type { TaskNode } from './task-context.ts'

/** The graph before the answer. */
interface WalkedGraph {
  readonly graph: TaskGraph
  readonly nodeOf: (node: GraphNode) => TaskNode
}

/** Calls `discover` as often as the task's `retries` say, and records the answer. @throws as `findAnswer` */
export async function discoverNode(session: Session, walk: WalkedGraph, node: GraphNode): Promise<FoundAnswer> {
  const { pipeline, input, output, codeHash, options } = session
  const { force, signal } = options
  const taskNode = walk.nodeOf(node)
  const found = await tryAgain(session, taskNode, () =>
    findAnswer({ pipeline, graph: walk.graph, node, input, output, codeHash, force, signal }),
  )
  // Without a place to write, no run of a node succeeds, and its failure explains that better.
  await recordAnswer(output, { pipeline: pipeline.name, key: node.key }, found).catch(() => undefined)
  return found
}
