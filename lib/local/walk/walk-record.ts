/** Records a walk in the state: the graph before its first run, and how each node ended. */
import { type EndedNode, lastWalkKey } from '../../graph/ended-walk.ts'
import { graphIdOf, graphKeys, type TaskGraph } from '../../graph/graph.ts'
import type { TaskResult } from '../../model/events.ts'
import { formatVersion } from '../../model/outcome/manifest.ts'
import { stateBytes } from '../../state/state.ts'
import type { Session } from '../session.ts'

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
  results: ReadonlyMap<string, TaskResult>,
): Promise<void> {
  const id = graphIdOf(graph)
  const nodes = graph.nodes.flatMap(({ key, params }): EndedNode[] => {
    const result = results.get(key)
    if (!result) return []
    const { task, node, status: state, runId, reasons, seconds, rowsWritten, rowsRejected, error, blockedBy } = result
    return [
      {
        ...{ node, task, params, state, runId: runId || undefined },
        ...{ reasons: reasons && [...reasons], seconds, rowsWritten, rowsRejected, error, blockedBy },
      },
    ]
  })
  await output.write(graphKeys(id).walk, stateBytes({ fanmill: formatVersion, nodes }))
  await output.write(lastWalkKey, stateBytes({ fanmill: formatVersion, graph: id, at: new Date().toISOString() }))
}
