/** Finds out what a node requires besides: calls the function `discover` of its task, and records the answer. */
import type { PipelineDefinition } from '../../define/definition.ts'
import type { DiscoverContext } from '../../define/tasks/requirement-definition.ts'
import { throwIfAborted } from '../../errors/abort.ts'
import { type Answer, answerFrom, expandGraph, readAnswer } from '../../graph/discovered-nodes.ts'
import { answerKey, type GraphNode, type TaskGraph } from '../../graph/graph.ts'
import type { CodeHash } from '../../graph/lineage.ts'
import { upstreamNodes } from '../../graph/upstream-nodes.ts'
import { targetIdentities, targetObjects } from '../../inputs/identity/target-identity.ts'
import { upstreamIdentities } from '../../inputs/identity/upstream-identity.ts'
import { readGiven } from '../../inputs/read-values.ts'
import { canonicalJson, shortHash } from '../../model/run/identity.ts'
import { taskNamed } from '../../model/run/resolve-task.ts'
import { readState } from '../../state/files.ts'
import { stateBytes } from '../../state/state.ts'
import type { Store } from '../../store/store.ts'

/** A node whose `discover` may be called, because what `requires` names is complete. */
export interface DiscoverRequest {
  readonly pipeline: PipelineDefinition
  readonly graph: TaskGraph
  readonly node: GraphNode
  readonly input: Store
  readonly output: Store
  readonly codeHash: CodeHash
  /** Whether `discover` is called again although there is an answer. Default false. */
  readonly force?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Whether an answer came from the state, and the identity with which a new one is recorded. */
export interface FoundAnswer {
  readonly answer: Answer
  readonly identity: string
  readonly isRecorded: boolean
  /** The graph of the request with a new answer, as it is before anything runs. */
  readonly grown?: TaskGraph
}

/**
 * Returns the recorded answer where code and requirements are those of then and the node has not been complete since, else calls `discover`.
 * @throws SOURCE_FAILED, transient after a network error; NO_INPUT when something is not complete; as `answerFrom` and `expandGraph`
 */
export async function findAnswer(request: DiscoverRequest): Promise<FoundAnswer> {
  const { pipeline, graph, node, output, force, codeHash } = request
  const [identity, recorded] = await Promise.all([
    identityOf(request),
    force ? undefined : readState(output, answerKey(pipeline.name, node.key), readAnswer),
  ])
  if (recorded && !recorded.isUsed && recorded.identity === identity && recorded.node === node.key)
    return { answer: recorded, identity, isRecorded: true }
  const answer = answerFrom(pipeline, { graph, node, returned: await callDiscover(request) })
  // An answer that makes no graph is not worth recording: it is wrong however often it is read.
  const grown = expandGraph(pipeline, graph, { key: node.key, answer, states: {}, codeHash })
  return { answer, identity, isRecorded: false, grown }
}

/** A node that has answered, and the name of its pipeline. */
export interface AnsweringNode {
  readonly pipeline: string
  readonly key: string
}

/** Records an answer, so that other tries and walks use it. */
export async function recordAnswer(
  output: Store,
  { pipeline, key }: AnsweringNode,
  { answer: { groups, targets }, identity, isRecorded }: FoundAnswer,
): Promise<void> {
  if (isRecorded) return
  await output.write(answerKey(pipeline, key), stateBytes({ node: key, identity, isUsed: false, groups, targets }))
}

/** Marks the answer of a node that is complete as used: the next walk calls `discover` again. */
export async function useUpAnswer(output: Store, node: AnsweringNode): Promise<void> {
  const key = answerKey(node.pipeline, node.key)
  const recorded = await readState(output, key, readAnswer)
  if (recorded && !recorded.isUsed) await output.write(key, stateBytes({ ...recorded, isUsed: true }))
}

/** Hashes what an answer may depend on, as far as the state knows it. */
async function identityOf({ pipeline, graph, node, input, output, codeHash }: DiscoverRequest): Promise<string> {
  const required = await Promise.all([
    targetIdentities(input, node.task, node.targets ?? []),
    upstreamIdentities(output, node.task, upstreamNodes(graph)(node)),
  ])
  return shortHash(canonicalJson({ codeHash: codeHash(taskNamed(pipeline, node.task)), required: required.flat() }))
}

async function callDiscover(request: DiscoverRequest): Promise<unknown> {
  const { pipeline, node, signal = new AbortController().signal } = request
  const { discover } = taskNamed(pipeline, node.task)
  throwIfAborted(signal)
  return readGiven({ task: node.task, option: 'discover' }, async () =>
    discover?.(Object.freeze({ ...node.params }) as never, contextOf(request, signal)),
  )
}

function contextOf({ graph, node, input, output }: DiscoverRequest, signal: AbortSignal): DiscoverContext {
  const required = upstreamNodes(graph)(node).map(({ name, task, params, outputPath }) => {
    return { name, task, params, dataset: `${output.url}/${outputPath}` }
  })
  const list = async (glob: string): Promise<readonly string[]> => {
    const objects = await targetObjects(input, { path: glob, isGlob: true })
    return objects.map(({ key }) => key)
  }
  return Object.freeze({ required, list, signal })
}
