/** Walks a graph over the handlers of a deployed pipeline, as the state machine does. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { handler } from '../../functions/graph.ts'
import type { CommitAnswer, GraphAnswer, NodeRef, PlanAnswer, PlannedCall } from '../../lib/aws/lambda-events.ts'
import { graphKeys, type TaskGraph } from '../../lib/graph/graph.ts'
import { nodeIdOf } from '../../lib/model/run/node-name.ts'
import { noWaits } from '../../lib/model/waits.ts'
import { type Account, context } from './account.ts'

export interface Walked {
  /** Last answer of Graph. */
  readonly answer: GraphAnswer
  /** Ids of the nodes of each wave. */
  readonly waves: readonly (readonly string[])[]
}

export interface WalkOptions {
  readonly execution?: string
  /** Whether the child of a node is stopped before it does anything. */
  readonly stopped?: (node: string, step: number) => boolean
  /** Whether the execution is stopped after a wave. */
  readonly endsAfter?: (nodes: readonly string[]) => boolean
  /** Stands for the services that states call. */
  readonly service?: (call: PlannedCall) => Promise<unknown>
}

/** Steps of one walk of a test; more are a walk that does not end. */
const stepsMax = 30
let count = 0

export async function walk(account: Account, event: object, options: WalkOptions = {}): Promise<Walked> {
  const { execution = `arn:execution-${count++}`, stopped = () => false, endsAfter = () => false } = options
  const waves: string[][] = []
  let [step, waits] = [0, noWaits(1)]
  for (;;) {
    const given = { execution, event, step, waits, maxConcurrency: 100, nodeConcurrency: 20 }
    const answer = (await handler(given, context(900))) as GraphAnswer
    if (answer.status !== 'wave' && answer.status !== 'wait') return { answer, waves }
    if (step > stepsMax) throw new Error(`expected the end of a walk, got ${JSON.stringify(waves)}`)
    ;({ step, waits } = answer)
    if (answer.status === 'wait') continue
    const read = async <T>(file: string): Promise<T> =>
      JSON.parse(await readFile(join(account.folder, 'output', file), 'utf8')) as T
    const graph = await read<TaskGraph>(graphKeys(answer.graph).graph)
    const idOf = new Map(graph.nodes.map(({ key, task, params }) => [key, nodeIdOf(task, params)]))
    const nodes = await read<Item[]>(answer.waveKey)
    waves.push(nodes.map(({ key }) => idOf.get(key) ?? ''))
    for (const { key, task } of nodes) {
      const node = { graph: answer.graph, step, key }
      if (!stopped(idOf.get(key) ?? '', step))
        await runNode(account, { task, execution: `${execution}#${key}`, node }, options.service)
    }
    if (endsAfter(waves.at(-1) ?? [])) return { answer, waves }
  }
}

interface Item {
  readonly key: string
  readonly task: string
}

interface Own {
  readonly task: string
  readonly execution: string
  readonly node: NodeRef
}

/** Goes through the states of one node. */
async function runNode(account: Account, own: Own, service: WalkOptions['service']): Promise<void> {
  const end = (status: string, state: object, fault?: object) =>
    handler({ ...own, end: { status, state: { ...own, ...state }, fault } }, context(900))
  try {
    const planned = await account.planNode(own)
    if (planned.status !== 'planned' && planned.status !== 'call') return void (await end(planned.status, planned))
    if (planned.status === 'call') await callService(account, own, planned, service)
    const answer = await processAndCommit(account, own, planned)
    const status = 'supersededBy' in answer ? 'superseded' : 'complete'
    await end(status, { run: planned.run, commit: { answer } })
  } catch (error) {
    const { name, message } = error as Error
    const Cause = JSON.stringify({ errorType: name, errorMessage: message })
    await end('failed', {}, { Error: name, Cause })
  }
}

/** Commit ends the run of a call that failed. */
async function callService(
  account: Account,
  own: Own,
  { call, run }: Extract<PlanAnswer, { status: 'call' }>,
  service: WalkOptions['service'],
): Promise<void> {
  const failed = await service?.(call).then(
    () => undefined,
    (error: Error) => ({ Error: 'States.TaskFailed', Cause: error.message }),
  )
  if (failed) await account.commit(own.task, { ...own, run, fault: failed })
}

async function processAndCommit(
  account: Account,
  { task, execution, node }: Own,
  planned: Extract<PlanAnswer, { status: 'planned' | 'call' }>,
): Promise<CommitAnswer> {
  const { run } = planned
  let todo: string | undefined = planned.planKey
  for (;;) {
    for (const item of todo ? await account.items(todo) : [])
      await account.process(task, { run, item, execution }).catch(() => undefined)
    const answer: CommitAnswer = await account.commit(task, { run, execution, node })
    if (answer.done) return answer
    todo = 'planKey' in answer ? answer.planKey : undefined
  }
}
