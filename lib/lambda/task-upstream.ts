/** Finds what a run requires, in the same way as on a laptop, because it is part of the run's id. */
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { readTasks } from '../define/source-paths.ts'
import { resolveGraph } from '../graph/resolve-graph.ts'
import { upstreamNodes } from '../graph/upstream-nodes.ts'
import { targetIdentities } from '../inputs/target-identity.ts'
import { upstreamIdentities } from '../inputs/upstream-identity.ts'
import { isRead } from '../local/plan-options.ts'
import { nodeIdOf } from '../model/node-name.ts'
import type { UpstreamIdentity } from '../model/run-identity.ts'
import type { ExternalTarget, UpstreamNode } from '../model/upstream-node.ts'
import type { LambdaSession } from './session.ts'

export interface TaskUpstream {
  readonly upstream: readonly UpstreamNode[]
  readonly targets: readonly ExternalTarget[]
}

/** Returns the nodes and files that a task requires under these parameters. @throws as `resolveGraph` */
export function taskUpstream(
  { pipeline }: Pick<LambdaSession, 'pipeline'>,
  task: TaskDefinition,
  params: ParamValues,
): TaskUpstream {
  if (task.requires === undefined && readTasks(task).length === 0) return { upstream: [], targets: [] }
  const graph = resolveGraph(pipeline, { tasks: [task.name], params })
  const key = nodeIdOf(task.name, params)
  const node = graph.nodes.find(each => each.key === key)
  return node ? { upstream: upstreamNodes(graph)(node), targets: node.targets ?? [] } : { upstream: [], targets: [] }
}

/** Identifies what a task requires besides the rows that its source reads. @throws NO_INPUT when something is not complete */
export async function requiredIdentities(
  { input, output }: Pick<LambdaSession, 'input' | 'output'>,
  task: TaskDefinition,
  { upstream, targets }: TaskUpstream,
): Promise<readonly UpstreamIdentity[]> {
  const others = upstream.filter(node => !isRead(task, node))
  const external = await targetIdentities(input, task.name, targets)
  return [...external, ...(await upstreamIdentities(output, task.name, others))]
}
