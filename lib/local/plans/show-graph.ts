/** Resolves the graph of a pipeline, and finds out the state of each node, without running anything. */
import type { PipelineDefinition } from '../../define/definition.ts'
import type { DrawnState } from '../../graph/drawn-node.ts'
import { type GraphNode, graphIdOf } from '../../graph/graph.ts'
import type { RunReason } from '../../model/run/reason.ts'
import { findLastAttempt } from '../../runs/last-attempt.ts'
import { readAttempt } from '../../runs/runs.ts'
import { urlBelow } from '../../store/roots.ts'
import type { RunOptions } from '../options/run-options.ts'
import { outputRoot } from '../roots/output-root.ts'
import { thisMachine } from '../task-context.ts'
import { lookAtNodes, type NodeOutlook } from './look-at-nodes.ts'
import { openPlan, type PlanContext } from './open-plan.ts'

/** A graph with the state of each node. */
export interface GraphSummary {
  readonly graphId: string
  readonly pipeline: string
  /** Ids of the nodes that were requested. */
  readonly requested: readonly string[]
  /** Each after those that it requires. */
  readonly nodes: readonly GraphNodeSummary[]
}

export interface GraphNodeSummary extends Pick<GraphNode, 'task' | 'params' | 'requires'> {
  /** Task and parameters, such as `flights(month=2001-01)`. */
  readonly node: string
  readonly state: DrawnState
  /** Why a run is due; empty where the node is complete. */
  readonly reasons: readonly RunReason[]
  /** URL or path of the dataset. */
  readonly output: string
}

/** Returns the graph that a run with the same options would walk. @throws DEFINITION_*, PARAM_*, GRAPH_*, TASK_UNKNOWN, ZIP_* */
export async function showGraph(
  pipeline: PipelineDefinition | string,
  options: RunOptions = {},
): Promise<GraphSummary> {
  const context = await openPlan(pipeline, options)
  const { graph } = context
  const root = outputRoot(options)
  const nodes = await Array.fromAsync(lookAtNodes(context), async (outlook): Promise<GraphNodeSummary> => {
    const { key: node, task, params, requires, output } = outlook.node
    const state = await stateOf(context, outlook)
    return { node, task, params, requires, state, reasons: outlook.reasons, output: urlBelow(root, output) }
  })
  return { graphId: graphIdOf(graph), pipeline: graph.pipeline, requested: graph.requested, nodes }
}

/** Returns how the last attempt of a run stands that is not complete. */
async function stateOf({ output }: PlanContext, { status, runId }: NodeOutlook): Promise<DrawnState> {
  if (status === 'complete' || runId === undefined) return status
  const { attempt } = await findLastAttempt(output, runId, { manifest: undefined, skipsDamaged: true })
  if (attempt === 0) return 'due'
  const last = await readAttempt(output, thisMachine(output), { runId, attempt })
  return last?.status === 'running' || last?.status === 'failed' || last?.status === 'interrupted' ? last.status : 'due'
}
