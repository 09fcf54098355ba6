/** One step of the walk of a graph: reads how the nodes of the last wave ended, and gives the next wave. */
import type { GraphAnswer } from '../aws/lambda-events.ts'
import { boundedText } from '../errors/bounded-text.ts'
import { PermanentError } from '../errors/errors.ts'
import { type GraphNode, graphKeys, readGraph, type TaskGraph } from '../graph/graph.ts'
import type { NextStep } from '../graph/next-step.ts'
import { newWalk, readNodeEnd, readStep, type Walk } from '../graph/walk-state.ts'
import { afterProgress, growingMs, nextWait } from '../model/waits.ts'
import { mapParallel, readState, readsAtOnce } from '../state/files.ts'
import { stateBytes } from '../state/state.ts'
import { decideDiscovered, type KnownWalk } from './discovered-step.ts'
import type { GraphStepEvent } from './events.ts'
import { graphOf } from './graph-request.ts'
import type { Invocation } from './handler.ts'
import { bucketOf, type LambdaSession, shortName } from './session.ts'
import { logger } from './telemetry.ts'

/**
 * Gives the same answer again for a step that was taken before, because the state machine may repeat a call.
 * @throws as `resolveGraph`, in the first step
 */
export async function walkGraph(event: GraphStepEvent, invocation: Invocation): Promise<GraphAnswer> {
  const { lambda } = invocation
  const { output } = lambda
  const id = shortName(event.execution)
  const keys = graphKeys(id)
  const taken = await readState(output, keys.step(event.step), readStep)
  if (taken) return taken.answer as unknown as GraphAnswer
  const known = event.step === 0 ? await beginWalk(event, id, lambda) : await continueWalk(event.step, id, lambda)
  const { graph, next } = await decideDiscovered(known, { id, event, invocation })
  const answer = answerOf(next, { id, event, lambda, graph })
  if (answer.status === 'wave' && next.step.kind === 'wave')
    await output.write(keys.wave(event.step), stateBytes(next.step.nodes.map(({ key, task }) => ({ key, task }))))
  await output.write(keys.step(event.step), stateBytes({ walk: next.walk, answer }))
  const { counts, nodes } = { counts: undefined, nodes: undefined, ...answer }
  logger.info('graph', { graph: id, step: event.step, status: answer.status, nodes, counts })
  return answer
}

async function beginWalk({ event, execution }: GraphStepEvent, id: string, lambda: LambdaSession): Promise<KnownWalk> {
  const { graph, ignored } = graphOf(event, lambda)
  const keys = graphKeys(id)
  await lambda.output.write(keys.request, stateBytes({ execution, event, ignored }))
  await lambda.output.write(keys.graph, stateBytes(graph))
  return { graph, walk: newWalk, ends: [] }
}

async function continueWalk(step: number, id: string, { output }: LambdaSession): Promise<KnownWalk> {
  const keys = graphKeys(id)
  const graph = await readState(output, keys.graph, readGraph)
  const before = await readState(output, keys.step(step - 1), readStep)
  if (!graph || !before) {
    const message = `expected ${keys.graph} and ${keys.step(step - 1)}, which this execution wrote, got nothing; start it again`
    throw new PermanentError('STATE_INVALID', message, { graph: id })
  }
  const { walk } = before
  const ends = await mapParallel(
    walk.given,
    key => readState(output, `${keys.ends(step)}${keys.file(key)}`, readNodeEnd),
    readsAtOnce,
  )
  return { graph, walk, ends: ends.filter(end => end !== undefined) }
}

interface AnswerContext {
  readonly id: string
  readonly event: GraphStepEvent
  readonly lambda: LambdaSession
  readonly graph: TaskGraph
}

/** Steps of one execution, each of which writes some fourteen of the 25,000 events of its history, beside those of waits. */
const stepsMax = 1000
/** First wait for nodes that other processes work on. */
const busyMs = 5000

function answerOf({ step, walk }: { step: NextStep; walk: Walk }, context: AnswerContext): GraphAnswer {
  const { id, event } = context
  if (step.kind === 'ended') return endOf(walk, context)
  if (step.kind === 'continued' || event.step >= stepsMax) return { status: 'continued', graph: id }
  if (step.kind === 'wave') return waveOf(step.nodes, context)
  const wait = nextWait(event.waits, growingMs(busyMs, event.waits.inRow))
  return wait ? { status: 'wait', graph: id, step: event.step + 1, ...wait } : { status: 'continued', graph: id }
}

/** Shares the batches at once among the nodes that run at the same time. */
function waveOf(nodes: readonly GraphNode[], { id, event, lambda }: AnswerContext): GraphAnswer {
  const { bucket, prefix } = bucketOf(lambda)
  const atOnce = Math.min(nodes.length, event.nodeConcurrency)
  return {
    status: 'wave',
    graph: id,
    step: event.step + 1,
    waits: afterProgress(event.waits),
    bucket,
    waveKey: `${prefix}${graphKeys(id).wave(event.step)}`,
    nodes: nodes.length,
    maxConcurrency: Math.max(1, Math.floor(event.maxConcurrency / atOnce)),
  }
}

function endOf({ nodes }: Walk, { id }: AnswerContext): GraphAnswer {
  const counts: Record<string, number> = {}
  for (const { state = 'notRun' } of Object.values(nodes)) counts[state] = (counts[state] ?? 0) + 1
  const failed = Object.entries(nodes).filter(([, { state }]) => state === 'failed')
  if (failed.length === 0) return { status: 'complete', graph: id, counts }
  const shown = failed.slice(0, failuresShown)
  const bytesMax = Math.floor(failureBytesMax / shown.length)
  const failures = shown.map(([node, { fault }]) => {
    const { code, message = '' } = fault ?? {}
    return { node, ...(code !== undefined && { code }), message: boundedText(message, bytesMax) }
  })
  return { status: 'failed', graph: id, counts, failures }
}

/** Failures in the answer, and their bytes: Step Functions shows at most 32 KiB as the cause of a failed execution. */
const failuresShown = 20
const failureBytesMax = 20_000
