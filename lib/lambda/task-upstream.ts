/** Finds what a run requires, in the same way as on a laptop, because it is part of the run's id. */
import type { NodeRef } from '../aws/lambda-events.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { isSalted } from '../define/outputs/output-kind.ts'
import { readTasks } from '../define/sources/source-paths.ts'
import { PermanentError } from '../errors/errors.ts'
import { expandGraph, readAnswer } from '../graph/discovered-nodes.ts'
import { answerKey, type GraphNode, type TaskGraph } from '../graph/graph.ts'
import { resolveNode } from '../graph/resolve-graph.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { readState } from '../state/files.ts'
import { readNodeUpstream, type TaskUpstream, upstreamIn } from './node-request.ts'
import { codeHashIn, type LambdaSession } from './session.ts'

/**
 * Returns the nodes and files that a task requires under these parameters, and the path of its output: as the graph of the execution says,
 * or as a run of the task alone would find them. @throws as `resolveGraph`; STATE_INVALID
 */
export async function taskUpstream(
  lambda: Pick<LambdaSession, 'pipeline' | 'output' | 'codeHashes'>,
  task: TaskDefinition,
  { params, node: ref }: { readonly params: ParamValues; readonly node?: NodeRef | undefined },
): Promise<TaskUpstream> {
  // No graph is needed to know what such a run requires, and where it writes.
  if (!hasRequirements(task) && !isSalted(task.output))
    return { outputPath: outputPathOf(task, params, undefined), upstream: [], targets: [] }
  if (ref) return readNodeUpstream(lambda, ref)
  const alone = resolveNode(lambda.pipeline, { task: task.name, params }, codeHashIn(lambda))
  const { key } = alone.node
  const graph = await withAnswer(lambda, task, { key, graph: alone.graph })
  return upstreamIn(graph, graph.nodes.find(each => each.key === key) as GraphNode)
}

/** Whether a task may require others. */
export const hasRequirements = (task: TaskDefinition): boolean =>
  task.requires !== undefined || task.discover !== undefined || readTasks(task).length > 0

/** Adds what the node has answered before: a run that is continued alone requires what it required when it began. */
async function withAnswer(
  lambda: Pick<LambdaSession, 'pipeline' | 'output' | 'codeHashes'>,
  { discover, name }: TaskDefinition,
  { key, graph }: { readonly key: string; readonly graph: TaskGraph },
): Promise<TaskGraph> {
  if (!discover) return graph
  const recorded = answerKey(lambda.pipeline.name, key)
  const answer = await readState(lambda.output, recorded, readAnswer)
  if (answer) return expandGraph(lambda.pipeline, graph, { key, answer, states: {}, codeHash: codeHashIn(lambda) })
  const message = `task ${name}: expected the recorded answer of discover at ${recorded}, got nothing; start an execution without resume`
  throw new PermanentError('STATE_INVALID', message, { node: key })
}
