/** Works on one node of a graph, again after a failure where its task says so: finds out what it requires, and runs it in time. */
import { setTimeout as delay } from 'node:timers/promises'
import { CapacityError, FanmillError } from '../../errors/errors.ts'
import type { GraphNode, TaskGraph } from '../../graph/graph.ts'
import { nodeIdOf } from '../../model/run/node-name.ts'
import type { Session } from '../session.ts'
import type { TaskEnd, TaskNode } from '../task-context.ts'
import { runTask } from '../task-run.ts'
import { type FoundAnswer, findAnswer, recordAnswer, useUpAnswer } from './discovery.ts'
import { type RowWriters, runWithRows } from './temporary-rows.ts'

/** Runs a node. A run that fails is a result with `error`. @throws as `runTask` */
export async function runNode(session: Session, node: TaskNode, writerOf: RowWriters['writerOf']): Promise<TaskEnd> {
  const end = await tryAgain(session, node, () => runWithRows(session, node, { run: runInTime, writerOf }))
  // The next walk uses the answer once more where that fails.
  if (!end.error && node.task.discover) {
    const asked = { pipeline: session.pipeline.name, key: nodeIdOf(node.task.name, node.params) }
    await useUpAnswer(session.output, asked).catch(() => undefined)
  }
  return end
}

/** Finds out what a node of a graph requires besides, and records the answer. @throws as `findAnswer` */
export async function discoverNode(
  session: Session,
  { graph, node, taskNode }: { readonly graph: TaskGraph; readonly node: GraphNode; readonly taskNode: TaskNode },
): Promise<FoundAnswer> {
  const { pipeline, input, output, codeHash, options } = session
  const { force, signal } = options
  const found = await tryAgain(session, taskNode, () =>
    findAnswer({ pipeline, graph, node, input, output, codeHash, force, signal }),
  )
  // Without a place to write, no run of a node succeeds, and its failure explains that better.
  await recordAnswer(output, { pipeline: pipeline.name, key: node.key }, found).catch(() => undefined)
  return found
}

/** Works on a node as often as its task's `retries` say, until that succeeds. @throws what the last try threw */
async function tryAgain<T extends object>(session: Session, node: TaskNode, work: () => Promise<T>): Promise<T> {
  const { retries = 0 } = node.task
  const { signal } = session.options
  for (let tryNumber = 0; ; tryNumber++) {
    const last = tryNumber === retries || signal?.aborted
    try {
      const end = await work()
      const { error } = end as Pick<TaskEnd, 'error'>
      if (!error || last || !mayHelp(error)) return end
      warnOfRetry(session, node, { error, tryNumber, retries })
    } catch (error) {
      if (!(error instanceof FanmillError) || last || !mayHelp(error)) throw error
      warnOfRetry(session, node, { error, tryNumber, retries })
    }
    await delay(retryMs(tryNumber), undefined, signal && { signal }).catch(() => undefined)
  }
}

/** Runs a node whose signal is aborted when its time is over. */
async function runInTime(session: Session, node: TaskNode): Promise<TaskEnd> {
  const { timeoutSeconds } = node.task
  if (timeoutSeconds === undefined) return runTask(session, node)
  const timing = new AbortController()
  const timer = setTimeout(() => timing.abort(outOfTime(node, timeoutSeconds)), timeoutSeconds * 1000)
  const { signal = timing.signal } = session.options
  const options = { ...session.options, signal: AbortSignal.any([signal, timing.signal]) }
  try {
    return await runTask({ ...session, options }, node)
  } finally {
    clearTimeout(timer)
  }
}

function outOfTime({ task, params }: TaskNode, timeoutSeconds: number): CapacityError {
  const node = nodeIdOf(task.name, params)
  const message = `${node}: expected an end within ${timeoutSeconds} s, as timeoutSeconds says, got none; run it again to resume, or raise timeoutSeconds`
  return new CapacityError('OUT_OF_TIME', message, { node, timeoutSeconds })
}

/** Whether another try may end differently: what is wrong with a definition or an option stays wrong. */
function mayHelp({ code }: FanmillError): boolean {
  return !/^(?:DEFINITION|SQL|PARAM|GRAPH)_|^(?:USAGE|ABORTED|TASK_UNKNOWN|OUTPUT_AMBIGUOUS)$/.test(code)
}

/** Time before the next try, twice as long each time, so that a service that is overloaded can recover. */
const retryMs = (tryNumber: number): number => Math.min(30_000, 500 * 2 ** tryNumber)

function warnOfRetry(
  { emit }: Session,
  { task, params }: TaskNode,
  { error, tryNumber, retries }: { readonly error: FanmillError; readonly tryNumber: number; readonly retries: number },
): void {
  const node = nodeIdOf(task.name, params)
  const message = `${node} failed and is tried again (${tryNumber + 1} of ${retries}): ${error.code} ${error.message}`
  emit({ event: 'log', level: 'warn', task: task.name, node, message })
}
