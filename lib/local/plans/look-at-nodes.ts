/** Finds out which nodes of a graph are due to run, and why, without running them. */

import type { TaskDefinition } from '../../define/definition.ts'
import { sourceRoot } from '../../define/sources/source-paths.ts'
import type { FanmillError } from '../../errors/errors.ts'
import { hasCode, nothingFor } from '../../errors/expected.ts'
import { expandGraph, needsDiscovery } from '../../graph/discovered-nodes.ts'
import type { GraphNode, TaskGraph } from '../../graph/graph.ts'
import { upstreamNodes } from '../../graph/upstream-nodes.ts'
import { type FoundInputs, findInputs } from '../../inputs/find-inputs.ts'
import { requiredIdentities } from '../../inputs/identity/upstream-identity.ts'
import { tablesIdentity } from '../../inputs/tables.ts'
import { rowCodeOf } from '../../model/run/identity.ts'
import type { RunReason } from '../../model/run/reason.ts'
import { taskNamed } from '../../model/run/resolve-task.ts'
import type { UpstreamNode } from '../../model/run/upstream-node.ts'
import { lookAheadTask, type TaskContext } from '../../process/task-runner.ts'
import type { Outlook } from '../../runs/look-ahead.ts'
import { engineServices } from '../../threads/engine-services.ts'
import { thisOwner } from '../../threads/pool/machine.ts'
import { thisMachine } from '../task-context.ts'
import { findAnswer } from '../walk/discovery.ts'
import type { PlanContext } from './open-plan.ts'
import { planOptionsOf } from './plan-options.ts'

/** The state that a run would find at a node. */
export interface NodeOutlook {
  readonly node: GraphNode
  readonly task: TaskDefinition
  /** The nodes that it requires. */
  readonly upstream: readonly UpstreamNode[]
  /** `due`: a run of the graph would run it. */
  readonly status: 'complete' | 'due'
  /** Why it is due. */
  readonly reasons: readonly RunReason[]
  /** Absent where the source finds nothing, as `warning` says where no run of this plan writes it first. */
  readonly found?: FoundInputs
  readonly warning?: string | undefined
  /** Paths of required datasets that are due themselves. */
  readonly awaited: readonly string[]
  /** Id of the run that would be begun or resumed; absent where that is not known yet. */
  readonly runId?: string | undefined
}

/**
 * Yields the nodes in the order of the graph. What requires a node that is due is due itself. `discover` of a node whose requirements are
 * complete is called, and what it returns comes before the node. @throws as `findInputs` and `findAnswer`
 */
export async function* lookAtNodes(context: PlanContext): AsyncGenerator<NodeOutlook> {
  let { graph } = context
  const due = new Set<string>()
  const complete = new Set<string>()
  const looks = new Map<string, Look>()
  const waitsOf = ({ requires }: GraphNode): readonly string[] => requires.filter(key => due.has(key))
  const isReady = ({ requires }: GraphNode): boolean => requires.every(key => complete.has(key))
  let ahead = nodesAhead
  for (let index = 0; index < graph.nodes.length; index++) {
    let node = graph.nodes[index] as GraphNode
    while (needsDiscovery(node) && waitsOf(node).length === 0) {
      const grown = await addDiscovered(context, graph, node)
      if (!grown) break
      graph = grown
      // The requirements of the node were put before it.
      node = graph.nodes[index] as GraphNode
    }
    for (const next of graph.nodes.slice(index, index + 1 + ahead))
      if (next === node || !needsDiscovery(next))
        looks.set(next.key, looks.get(next.key) ?? beginLook(context, { graph, node: next, isReady: isReady(next) }))
    const { place, finding, judging } = looks.get(node.key) as Look
    looks.delete(node.key)
    const { found, missing } = await finding
    ahead = (found?.memberCount ?? 0) > membersAheadMax ? 0 : nodesAhead
    const waits = waitsOf(node)
    const outlook =
      waits.length > 0
        ? { status: 'due' as const, reasons: [waitsFor(waits)] }
        : await (judging ?? outlookOf(context, place, found))
    ;(outlook.status === 'due' ? due : complete).add(node.key)
    const awaited = place.upstream.filter(one => due.has(one.node)).map(({ outputPath }) => outputPath)
    const warning = typeof missing === 'string' ? missing : missing && missingWarning(missing, awaited)
    yield { ...place, ...outlook, awaited, ...(found && { found }), warning }
  }
}

/** Nodes that are looked at before their turn: a plan of hundreds of nodes would else wait for one request after another. */
const nodesAhead = 7
/** After a node with more members, the next ones wait for their turn, because directories of large archives take much memory. */
const membersAheadMax = 10_000

/** The inputs that a source finds, or the reason why it finds none. */
interface Finding {
  readonly found?: FoundInputs
  readonly missing?: FanmillError | string
}

/** A look at a node that has begun. */
interface Look {
  readonly place: NodePlace
  readonly finding: Promise<Finding>
  /** Absent where it depends on nodes that have not had their turn. */
  readonly judging?: Promise<NodeState> | undefined
}

function beginLook(
  context: PlanContext,
  { graph, node, isReady }: { readonly graph: TaskGraph; readonly node: GraphNode; readonly isReady: boolean },
): Look {
  const place = { node, task: taskNamed(context.definition, node.task), upstream: upstreamNodes(graph)(node) }
  const finding = needsDiscovery(node) ? Promise.resolve(unknownYet) : findInputsOf(context, place)
  const judging = isReady ? finding.then(({ found }) => outlookOf(context, place, found)) : undefined
  // Errors are thrown when the node has its turn.
  for (const each of [finding, judging]) each?.catch(() => undefined)
  return { place, finding, judging }
}

/** Without an answer it is not even known which datasets the node reads. */
const unknownYet: Finding = {
  missing: 'discover: what it returns is known only when all of requires is complete, and is not in this plan yet',
}

/** Returns undefined where something that the node requires is missing, as its outlook says. */
async function addDiscovered(context: PlanContext, graph: TaskGraph, node: GraphNode): Promise<TaskGraph | undefined> {
  const { definition: pipeline, input, output, codeHash } = context
  const { key } = node
  const { signal } = context.options
  const force = context.options.force && graph.requested.includes(key)
  const found = await findAnswer({ pipeline, graph, node, input, output, codeHash, force, signal }).catch(
    nothingFor('NO_INPUT'),
  )
  return found && (found.grown ?? expandGraph(pipeline, graph, { key, answer: found.answer, states: {}, codeHash }))
}

type NodePlace = Pick<NodeOutlook, 'node' | 'task' | 'upstream'>

/** Warns of a missing input, as a plan shows what a run would find; undefined for a dataset that runs of the plan write first. */
export function missingWarning({ message, detail }: FanmillError, awaited: readonly string[]): string | undefined {
  return awaited.includes(String(detail.outputPath)) ? undefined : `NO_INPUT ${message}`
}

async function findInputsOf(context: PlanContext, { node, task, upstream }: NodePlace): Promise<Finding> {
  const { outputs, textBytes, workers: threads } = context
  const { sample, signal } = context.options
  try {
    const found = await findInputs({
      ...{ ...engineServices, task, params: node.params, upstream, outputs, textBytes, threads, sample, signal },
      input: context[sourceRoot(task.source)],
      roots: context,
      identify: object => context.identify(object),
    })
    return { found }
  } catch (error) {
    if (hasCode(error, 'NO_INPUT')) return { missing: error }
    throw error
  }
}

type NodeState = Pick<NodeOutlook, 'status' | 'reasons' | 'runId'>

async function outlookOf(context: PlanContext, place: NodePlace, found: FoundInputs | undefined): Promise<NodeState> {
  const outlook = found && (await lookAhead(context, place, found).catch(nothingFor('NO_INPUT')))
  if (!outlook) return { status: 'due', reasons: [{ kind: 'input', text: 'input missing' }] }
  if (outlook.status === 'unsettled')
    return { status: 'due', reasons: [{ kind: 'output', text: 'an interrupted commit is completed first' }] }
  const { runId } = outlook
  if (outlook.status === 'complete') return { status: 'complete', reasons: [], runId }
  return { status: 'due', reasons: outlook.reasons, runId }
}

async function lookAhead(context: PlanContext, place: NodePlace, found: FoundInputs): Promise<Outlook> {
  const { input, output, options } = context
  const { task, upstream, node } = place
  const { params } = node
  const tables = await tablesIdentity({ ...engineServices, input, output, upstream }, task, params)
  const required = await requiredIdentities(context, task, { upstream, targets: node.targets })
  const taskContext: TaskContext = {
    ...{ ...thisMachine(output), task, params, output },
    outputPath: node.output,
    owner: thisOwner(),
    codeHash: rowCodeOf(context.codeHash(task), tables, options),
  }
  const force = options.force && context.graph.requested.includes(node.key)
  const identified = { task, upstream, required, tablesIdentity: tables }
  const planning = planOptionsOf({ ...identified, options: { ...options, force } })
  return lookAheadTask(taskContext, { ...planning, found, batchBytes: 1 })
}

const waitsFor = (nodes: readonly string[]): RunReason => ({
  kind: 'upstream',
  text: `upstream runs: ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ` and ${nodes.length - 3} more` : ''}`,
})
