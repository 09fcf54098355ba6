/** Records a walk in the state: the graph before its first run, and how each node ended. */
import { type EndedNode, lastWalkKey } from '../../graph/ended-walk.ts'
import { graphIdOf, graphKeys, type TaskGraph } from '../../graph/graph.ts'
import type { NodeStates } from '../../graph/node-states.ts'
import { formatVersion } from '../../model/outcome/manifest.ts'
import { stateBytes } from '../../state/state.ts'
import type { Session } from '../session.ts'
import type { TaskEnd } from '../task-context.ts'

/** Writes graph.json; returns false when that is impossible, which the failures of the runs explain. */
export async function recordGraph({ output }: Session, graph: TaskGraph): Promise<boolean> {
  // A single node has the record of its run.
  if (graph.nodes.length <= 1) return false
  const writing = output.write(graphKeys(graphIdOf(graph)).graph, stateBytes(graph))
  return writing.then(
    () => true,
    () => false,
  )
}

/** Writes walk.json: how each node ended, its run, and why that was necessary; and which walk was the last. */
export async function recordWalk(
  { output }: Session,
  graph: TaskGraph,
  { states, ends }: { readonly states: NodeStates; readonly ends: ReadonlyMap<string, TaskEnd> },
): Promise<void> {
  const id = graphIdOf(graph)
  const failedOf = failedRequirements(graph, states)
  const nodes = graph.nodes.map(({ key, task, params }) => {
    const { result, error } = ends.get(key) ?? {}
    const { status = 'notRun', runId, reasons, seconds, rowsWritten = 0, rowsRejected = 0 } = result ?? {}
    return {
      ...{
        node: key,
        task,
        params,
        state: status,
        runId: runId || undefined,
        reasons,
        seconds,
        rowsWritten,
        rowsRejected,
      },
      error: error && { code: error.code, message: error.message },
      blockedBy: status === 'notRun' ? failedOf.get(key) : undefined,
    } satisfies EndedNode
  })
  await output.write(graphKeys(id).walk, stateBytes({ fanmill: formatVersion, nodes }))
  await output.write(lastWalkKey, stateBytes({ fanmill: formatVersion, graph: id, at: new Date().toISOString() }))
}

/** Finds the first failed node among all that a node requires. */
function failedRequirements({ nodes }: TaskGraph, states: NodeStates): ReadonlyMap<string, string> {
  const failed = new Map<string, string>()
  // Each node stands after those that it requires.
  for (const { key, requires } of nodes) {
    const found = requires.map(one => (states[one] === 'failed' ? one : failed.get(one))).find(one => one !== undefined)
    if (found !== undefined) failed.set(key, found)
  }
  return failed
}
