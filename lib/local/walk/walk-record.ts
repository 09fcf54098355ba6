/** Records a walk in the state: the graph before its first run, and how each node ended. */
import { graphIdOf, graphKeys, type TaskGraph } from '../../graph/graph.ts'
import type { NodeStates } from '../../graph/node-states.ts'
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

/** Writes walk.json: the state of each node, its run, and why that was necessary. */
export async function recordWalk(
  { output }: Session,
  graph: TaskGraph,
  { states, results }: { readonly states: NodeStates; readonly results: ReadonlyMap<string, TaskResult> },
): Promise<void> {
  const nodes = graph.nodes.map(({ key }) => {
    const { runId, reasons, seconds } = results.get(key) ?? {}
    return { node: key, state: states[key] ?? 'notRun', runId: runId || undefined, reasons, seconds }
  })
  await output.write(graphKeys(graphIdOf(graph)).walk, stateBytes({ fanmill: formatVersion, nodes }))
}
