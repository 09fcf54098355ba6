/** Records which run a node of a graph has begun, for `status`, and how the node ended, for the next step of the walk. */
import { faultOf } from '../aws/fault.ts'
import type { NodeRef } from '../aws/lambda-events.ts'
import { graphKeys } from '../graph/graph.ts'
import type { NodeEnd, NodeRun } from '../graph/walk-state.ts'
import { useUpAnswer } from '../local/walk/discovery.ts'
import type { RunName } from '../model/run/identity.ts'
import { stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import type { NodeEndEvent } from './events.ts'
import type { Invocation } from './handler.ts'
import { logger } from './telemetry.ts'

export async function recordRun(output: Store, { graph, step, key }: NodeRef, run: RunName): Promise<void> {
  const keys = graphKeys(graph)
  await output.write(`${keys.runs(step)}${keys.file(key)}`, stateBytes({ key, run } satisfies NodeRun))
}

/** Writes the same record again for a repeated call. The next walk asks a node again that is complete, however this one goes on. */
export async function recordEnd(event: NodeEndEvent, { lambda }: Invocation): Promise<{ readonly status: string }> {
  const { graph, step, key } = event.node
  const keys = graphKeys(graph)
  const end = endOf(event)
  const isComplete = end.status === 'complete' || end.status === 'skipped'
  const isAsked = lambda.pipeline.tasks.some(({ name, discover }) => name === event.task && discover)
  if (isComplete && isAsked) await useUpAnswer(lambda.output, { pipeline: lambda.pipeline.name, key })
  await lambda.output.write(`${keys.ends(step)}${keys.file(key)}`, stateBytes(end))
  logger.info('node ended', { node: key, status: end.status })
  return { status: end.status }
}

const kept: readonly string[] = ['busy', 'left', 'superseded', 'continued'] satisfies NodeEnd['status'][]

function endOf({ node: { key }, end: { status, fault, state } }: NodeEndEvent): NodeEnd {
  const { run } = state
  if (kept.includes(status)) return { key, status: status as NodeEnd['status'], run }
  // Only a run that this node committed has an answer of Commit.
  if (status === 'complete') return { key, status: state.commit === undefined ? 'skipped' : 'complete', run }
  return { key, status: 'failed', run, fault: faultOf(fault?.Error, fault?.Cause) }
}
