/** Decides a step of a walk on Lambda, and finds out what the nodes that are ready require besides. */
import { TransientError, toPlain } from '../errors/errors.ts'
import { type Answer, expandGraph, needsDiscovery } from '../graph/discovered-nodes.ts'
import { type GraphNode, graphKeys, type TaskGraph } from '../graph/graph.ts'
import { afterEnds, afterFailedAnswer, decideStep, nodeStates, type StepInput } from '../graph/next-step.ts'
import type { NodeFault, Walk } from '../graph/walk-state.ts'
import { findAnswer, recordAnswer } from '../local/walk/discovery.ts'
import { mapParallel } from '../state/files.ts'
import { stateBytes } from '../state/state.ts'
import type { GraphStepEvent } from './events.ts'
import type { Invocation } from './handler.ts'
import { isByHand } from './run-request.ts'
import { codeHashIn, type LambdaSession } from './session.ts'
import { logger } from './telemetry.ts'

/** The state of a walk when a step begins. */
export type KnownWalk = Omit<StepInput, 'pipeline'>

interface StepPlace {
  readonly id: string
  readonly event: GraphStepEvent
  readonly invocation: Invocation
}

/**
 * Returns the next step, and the graph with all that was found out for it, which is written before. A node that cannot find out what
 * it requires has failed, and its `discover` is called again as often as its task's `retries` say.
 */
export async function decideDiscovered(known: KnownWalk, place: StepPlace) {
  const { lambda } = place.invocation
  const { pipeline } = lambda
  let { graph } = known
  let walk = afterEnds({ pipeline, ...known })
  for (;;) {
    const next = decideStep({ pipeline, graph }, walk)
    const waiting = next.step.kind === 'wave' ? next.step.nodes.filter(needsDiscovery) : []
    if (waiting.length === 0) {
      if (graph !== known.graph) await lambda.output.write(graphKeys(place.id).graph, stateBytes(graph))
      return { graph, next }
    }
    const before = graph
    const answers = await mapParallel(waiting, node => discoverNode(node, before, place), callsAtOnce)
    for (const each of answers) {
      const grown = addDiscovered(each, { lambda, graph, walk })
      if (grown.graph) graph = grown.graph
      else walk = afterFailedAnswer({ pipeline, graph, walk }, grown)
    }
  }
}

/** A fault in an answer is a failure of its node, not of the walk. */
function addDiscovered(
  { key, answer, fault }: NodeAnswer,
  { lambda, graph, walk }: { lambda: LambdaSession; graph: TaskGraph; walk: Walk },
): NodeAnswer & { readonly graph?: TaskGraph } {
  if (!answer) return { key, fault }
  try {
    const expansion = { key, answer, states: nodeStates(walk), codeHash: codeHashIn(lambda) }
    return { key, graph: expandGraph(lambda.pipeline, graph, expansion) }
  } catch (error) {
    return faultOf(key, error)
  }
}

/** Functions of users that run at once: they wait for services, which have limits. */
const callsAtOnce = 8

interface NodeAnswer {
  readonly key: string
  readonly answer?: Answer
  readonly fault?: NodeFault
}

async function discoverNode(node: GraphNode, graph: TaskGraph, { event, invocation }: StepPlace): Promise<NodeAnswer> {
  const { lambda } = invocation
  const { pipeline, input, output } = lambda
  const { signal } = invocation.deadline
  const { key } = node
  const force = isByHand(event.event) && event.event.force === true && graph.requested.includes(key)
  const codeHash = codeHashIn(lambda)
  try {
    const found = await findAnswer({ pipeline, graph, node, input, output, codeHash, force, signal })
    await recordAnswer(output, { pipeline: pipeline.name, key }, found)
    const nodes = Object.values(found.answer.groups).flat().length
    logger.info('discovered', { node: key, nodes, isRecorded: found.isRecorded })
    return { key, answer: found.answer }
  } catch (error) {
    if (signal.aborted) throw outOfTime(key, signal.reason)
    return faultOf(key, error)
  }
}

/** Lets the state machine call Graph again, which reads the answers that are recorded and finds out the rest. */
function outOfTime(node: string, cause: unknown): TransientError {
  const message = `${node}: expected an answer of discover within the time of the Graph function, got none; it is asked again some times; if it still fails, give a longer functionTimeout`
  return new TransientError('OUT_OF_TIME', message, { node }, { cause })
}

function faultOf(key: string, error: unknown): NodeAnswer {
  const { code, message } = toPlain(error)
  logger.warn('a node could not find out what it requires', { node: key, code, error: message })
  return { key, fault: { code, message } }
}
