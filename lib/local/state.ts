/** Reads what ran, and what was rejected, from the state below an output root. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { useEngine } from '../duckdb/engine.ts'
import { rejectSchema } from '../engine/write/reject-rows.ts'
import { type EndedNode, lastWalkKey, readEndedWalk, readLastWalk } from '../graph/ended-walk.ts'
import { graphKeys } from '../graph/graph.ts'
import type { Reject } from '../model/outcome/reject.ts'
import { nodeIdOf } from '../model/run/node-name.ts'
import { openReader, readRows } from '../query/dataset.ts'
import { listRuns as listAll, type RunClock, type RunSummary, readLatest, readRun } from '../runs/runs.ts'
import { readState } from '../state/files.ts'
import { openStore } from '../store/open-store.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import { defaultOutput, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from '../threads/pool/machine.ts'
import type { RejectsOptions, RunsOptions, StatusOptions } from './options/api-options.ts'

export type { EndedNode } from '../graph/ended-walk.ts'
export type { RunSummary } from '../runs/runs.ts'

const clockOf = (store: Store): RunClock => ({ now: () => store.now(), isAlive })

/** Lists every attempt of every run, the latest start first. With a limit much less is read. */
export function listRuns({ output = defaultOutput, limit, ...access }: RunsOptions = {}): Promise<RunSummary[]> {
  const store = openStore(rootSpec(output, access))
  return listAll(store, clockOf(store), limit)
}

/** A run; without a name the latest, with all nodes of the command that it belongs to. */
export interface RunStatusSummary extends RunSummary {
  /** The nodes of the last command, where it ran several and has ended, each after those that it requires. */
  readonly nodes?: readonly EndedNode[]
}

/** Returns the latest attempt of a run. @throws RUN_UNKNOWN */
export async function readStatus({
  output = defaultOutput,
  runId,
  ...access
}: StatusOptions = {}): Promise<RunStatusSummary> {
  const store = openStore(rootSpec(output, access))
  const run = await readRun(store, clockOf(store), runId)
  const nodes = runId === undefined ? await readLastNodes(store, run) : undefined
  return { ...run, ...(nodes && { nodes }) }
}

/** Returns how the nodes of the last walk ended; undefined where the latest run began after its end, and so belongs to another command. */
async function readLastNodes(store: Store, latest: RunSummary): Promise<readonly EndedNode[] | undefined> {
  const last = await readState(store, lastWalkKey, readLastWalk)
  if (!last || latest.startedAt > last.at) return undefined
  return (await readState(store, graphKeys(last.graph).walk, readEndedWalk))?.nodes
}

/** A rejected row, and the node whose run rejected it, where a command ran several. */
export interface NodeReject extends Reject {
  /** Task and parameters, such as `flights(month=2001-01)`. */
  readonly node?: string
}

/** Returns the rejected rows of a run's latest attempt, or those of all runs of the last command, in order of batch. @throws RUN_UNKNOWN */
export async function readRejects({
  output = defaultOutput,
  runId,
  limit,
  ...access
}: RejectsOptions = {}): Promise<NodeReject[]> {
  const store = openStore(rootSpec(output, access))
  const run = await readRun(store, clockOf(store), runId)
  const nodes = runId === undefined ? await readLastNodes(store, run) : undefined
  if (!nodes) return readRejectsOf(store, [run], limit)
  // A run that failed may have rejected rows of which its result has no count.
  const isInvolved = ({ state, rowsRejected }: EndedNode): boolean =>
    state === 'failed' || (state === 'complete' && rowsRejected > 0)
  const runIds = nodes.flatMap(node => (isInvolved(node) ? (node.runId ?? []) : []))
  const runs = await readLatest(store, clockOf(store), new Set(runIds))
  const inOrder = runs.sort((a, b) => runIds.indexOf(a.runId) - runIds.indexOf(b.runId))
  return readRejectsOf(store, inOrder, limit)
}

/** Returns the rejected rows of some runs, with the node of each where there are several. */
export async function readRejectsOf(
  store: Store,
  runs: readonly Pick<RunSummary, 'task' | 'params' | 'rejects'>[],
  limit?: number,
): Promise<NodeReject[]> {
  const filesOf = ({ task, params, rejects }: (typeof runs)[number]) =>
    rejects.map(key => ({ key, node: runs.length > 1 ? nodeIdOf(task, params) : undefined }))
  return readRejectFiles(store, runs.flatMap(filesOf), limit)
}

interface RejectFile {
  readonly key: string
  readonly node?: string | undefined
}

/** Returns the rejected rows in these files. Memory: one file, and the rows that are returned. */
export async function readRejectFiles(
  store: Store,
  files: readonly RejectFile[],
  limit = Number.MAX_SAFE_INTEGER,
): Promise<NodeReject[]> {
  if (files.length === 0) return []
  return inOwnFolder(scratch =>
    useEngine(openReader([scratch], scratch), async engine => {
      const connection = await engine.connect()
      const found: NodeReject[] = []
      const file = join(scratch, 'rejects.parquet')
      for (const { key, node } of files) {
        await writeFile(file, await store.read(key))
        for await (const row of readRows(connection, { file }, { schema: rejectSchema })) {
          if (found.length >= limit) return found
          const reject = { ...row, line: Number(row.line), record: Number(row.record) } as unknown as Reject
          found.push(node === undefined ? reject : { node, ...reject })
        }
      }
      return found
    }),
  )
}
