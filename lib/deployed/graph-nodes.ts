/** The nodes of the graph that an execution walks and how far they are, from the state of the walk. */
import type { ErrorCode } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import { type GraphNode, graphKeys, readGraph } from '../graph/graph.ts'
import { type NodeEnd, readNodeEnd, readNodeRun, readStep, type WalkedNode } from '../graph/walk-state.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import { mapParallel, readState, readsAtOnce } from '../state/files.ts'
import type { Store } from '../store/store.ts'
import type { ExecutedTask } from './execution-tasks.ts'

/** Returns the id of the graph that the outputs of an execution's states name; undefined where it walks none. */
export function graphIn(outputs: readonly string[]): string | undefined {
  const ids = outputs.map(output => readObject(output)?.graph)
  return ids.find(id => typeof id === 'string')
}

/** Returns the nodes in the order of the graph, each after those that it requires. */
export async function readNodes(store: Store, graphId: string): Promise<readonly ExecutedTask[]> {
  const keys = graphKeys(graphId)
  const graph = await readState(store, keys.graph, readGraph)
  const step = await readLatestStep(store, graphId)
  if (!graph) return []
  const { record, number } = step
  const given = new Set(record?.walk.given)
  const runs = await readAll(store, keys.runs(number + 1), readNodeRun)
  const ends = await readAll(store, keys.ends(number + 1), readNodeEnd)
  const runOf = new Map(runs.map(({ key, run }) => [key, run]))
  const endOf = new Map(ends.map(end => [end.key, end]))
  return graph.nodes.map(node => {
    const { key } = node
    const known = record?.walk.nodes[key]
    const now = given.has(key) ? endStatus(endOf.get(key), runOf.has(key)) : walkedStatus(known)
    const run = given.has(key) ? (endOf.get(key)?.run ?? runOf.get(key)) : known?.run
    return executedNode(node, { ...now, run })
  })
}

type NodeProgress = Pick<ExecutedTask, 'status' | 'run'> & { readonly fault?: WalkedNode['fault'] }

function executedNode({ task, params, output }: GraphNode, { status, run, fault }: NodeProgress): ExecutedTask {
  const own = { ...nodeNameOf(task, params), params, status, outputPath: output, ...(run && { run }) }
  if (status !== 'failed' || !fault) return own
  return { ...own, fault: { code: fault.code as ErrorCode | undefined, message: fault.message } }
}

function walkedStatus(node: WalkedNode | undefined): NodeProgress {
  if (node?.state === undefined) return { status: 'waiting' }
  if (node.state === 'complete') return { status: 'committed' }
  return { status: node.state === 'skipped' ? 'complete' : node.state, fault: node.fault }
}

/** Statuses of nodes that ended in the present wave. */
const endedAs: Readonly<Record<NodeEnd['status'], ExecutedTask['status']>> = {
  complete: 'committed',
  skipped: 'complete',
  busy: 'wait',
  left: 'busy',
  superseded: 'superseded',
  continued: 'continued',
  failed: 'failed',
}

function endStatus(end: NodeEnd | undefined, isBegun: boolean): NodeProgress {
  if (end) return { status: endedAs[end.status], fault: end.fault }
  return { status: isBegun ? 'planned' : 'more' }
}

async function readLatestStep(store: Store, graphId: string) {
  const { steps, step } = graphKeys(graphId)
  let number = -1
  for await (const { key } of store.list(steps)) number = Math.max(number, Number.parseInt(key.slice(steps.length), 10))
  return { number, record: number < 0 ? undefined : await readState(store, step(number), readStep) }
}

async function readAll<T>(
  store: Store,
  folder: string,
  parse: (bytes: Uint8Array, key: string) => T,
): Promise<readonly T[]> {
  const keys = await Array.fromAsync(store.list(folder), ({ key }) => key)
  const found = await mapParallel(keys, key => readState(store, key, parse), readsAtOnce)
  return found.filter(each => each !== undefined)
}
