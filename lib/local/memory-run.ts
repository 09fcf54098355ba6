/** Runs one task in the calling thread, with the real steps and the real engine, into a store in memory: for tests and previews. */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { stageOf, stagesBefore, stagesOf } from '../define/tasks/task-stages.ts'
import { PermanentError } from '../errors/errors.ts'
import { requireColumns } from '../infer/require-columns.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { fetchTables } from '../inputs/tables.ts'
import type { Manifest, ManifestRun } from '../model/outcome/manifest.ts'
import type { Reject } from '../model/outcome/reject.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { stageColumns } from '../model/stage-columns.ts'
import type { WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import type { ProcessTools } from '../process/process-tools.ts'
import { runBatches } from '../process/run-batches.ts'
import { createGate } from '../process/share/gate.ts'
import { planTask, type TaskContext } from '../process/task-runner.ts'
import { readState } from '../state/files.ts'
import { readOutcome, runKeys } from '../state/state.ts'
import { type MemoryStore, memoryStore } from '../store/memory-store.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import type { Store } from '../store/store.ts'
import { engineServices } from '../threads/engine-services.ts'
import { thisOwner } from '../threads/pool/machine.ts'
import { batchTools } from '../threads/pool/task-workers.ts'
import { threadHere } from '../threads/thread-here.ts'
import type { ThreadSetup } from '../threads/worker/thread-state.ts'
import { readRejectFiles } from './state.ts'

/** A line that a function of the task logged. */
export type LogMessage = Extract<WorkerMessage, { readonly kind: 'log' }>

export interface MemoryRun {
  readonly task: TaskDefinition
  readonly params: ParamValues
  /** Holds the inputs of the source. */
  readonly input: StoreSpec | Store
  /** Holds the tables; default `input`. */
  readonly tables?: Store
  /** Finds the inputs, after the tables were loaded. */
  find(): Promise<FoundInputs>
  /** Text that is staged at once; default 64 MiB. */
  readonly groupBytes?: number
  /** Options of the thread beside those that every run sets. */
  readonly thread?: Pick<ThreadSetup, 'secrets' | 'firstRowGroup'>
  /** Replaces tools of the first stage. */
  readonly changeTools?: (tools: ProcessTools) => Partial<ProcessTools>
}

export interface MemoryResult {
  /** Holds the dataset and the state. */
  readonly output: MemoryStore
  readonly manifest: Manifest
  readonly outputPath: string
  /** All rejected rows: the task's limit is not applied. */
  readonly rejects: readonly Reject[]
  /** Lines that the task's functions logged. */
  readonly logs: readonly LogMessage[]
}

const engineBytes = 256 * 1024 * 1024
const groupBytesDefault = 64 * 1024 * 1024

/** Runs the task once, and leaves no files behind. @throws the error of a run that fails, except for REJECTS_OVER_LIMIT */
export async function runInMemory(run: MemoryRun): Promise<MemoryResult> {
  const { task, params } = run
  const input = openStore(run.input)
  const folder = makeOwnFolder(tmpdir())
  const partFolder = join(folder, 'parts')
  mkdirSync(partFolder)
  const logs: LogMessage[] = []
  const pools: Workers[] = []
  try {
    const stores = { input: run.tables ?? input, output: memoryStore() }
    const tables = await fetchTables({ ...stores, stageFolder: folder }, task, params)
    const found = await run.find()
    await requireColumns(input, task, found)
    const output = memoryStore()
    const setup = {
      ...{ params, tables: tables.files, stageFolder: folder, partFolder, engineBytes },
      stageBytesMax: 4 * groupBytesDefault,
    }
    const schemas: (Schema | undefined)[] = []
    for (const [stage, each] of stagesOf(task).entries()) {
      const own = { ...run.thread, input: readsInputs(task, stage, found) ? run.input : output }
      const workers = await threadHere(each, { ...setup, ...own }, message => {
        if (message.kind === 'log') logs.push(message)
      })
      pools.push(workers)
      const columns = stageColumns(task, stage, { found, schemas })
      schemas.push(columns && (await workers.run<'check'>({ kind: 'check', ...columns })).schema)
    }
    // No code but this writes into the store.
    const outputPath = outputPathOf(task, params, 'memory')
    const machine = { output, stageFolder: folder, partFolder }
    const manifest = await runSteps(run, { ...machine, input, outputPath, pools, found })
    return { output, manifest, outputPath, rejects: await rejectsOf(output, manifest), logs }
  } finally {
    for (const workers of pools) await workers.close()
    removeOwnFolder(folder)
  }
}

/** Whether a stage reads the inputs of the task; others read the rows of the stages before. */
const readsInputs = (task: TaskDefinition, stage: number, { firstStage }: FoundInputs): boolean =>
  stage === firstStage || stagesBefore(task, stage).length === 0

type Schema = WorkerResults['check']['schema']

interface Steps {
  readonly input: Store
  readonly output: MemoryStore
  readonly outputPath: string
  /** The thread of each stage. */
  readonly pools: readonly Workers[]
  readonly stageFolder: string
  readonly partFolder: string
  readonly found: FoundInputs
}

async function runSteps(run: MemoryRun, { input, pools, found, outputPath, ...machine }: Steps): Promise<Manifest> {
  const { task, params, groupBytes = groupBytesDefault } = run
  const { output } = machine
  const context: TaskContext = {
    ...{ ...engineServices, task, params, output, outputPath, owner: thisOwner(), now: () => Date.now() },
    codeHash: 'memory',
    rejectsMax: Number.MAX_SAFE_INTEGER,
  }
  const planned = await planTask(context, { found, batchBytes: groupBytes })
  if (!('plan' in planned))
    throw new PermanentError('STATE_INVALID', `expected a new run in an empty store, got one that is ${planned.status}`)
  const gate = createGate()
  let tries = 0
  const openTools = (stage: number): ProcessTools => {
    const tools = batchTools({
      ...{ ...machine, gate, groupBytes, engineBytes, task: stageOf(task, stage), workers: pools[stage] as Workers },
      input: readsInputs(task, stage, found) ? input : output,
      token: `memory${tries++}`,
    })
    return stage === 0 ? { ...tools, ...run.changeTools?.(tools) } : tools
  }
  return runBatches(context, planned, { openTools, packing: { batchBytes: groupBytes }, failFast: true })
}

async function rejectsOf(output: MemoryStore, { runs: [run] }: Manifest): Promise<Reject[]> {
  const { outcomes } = runKeys(run as ManifestRun)
  const found = await Array.fromAsync(output.list(outcomes), ({ key }) => readState(output, key, readOutcome))
  const files = found.flatMap(outcome => outcome?.rejects ?? [])
  return readRejectFiles(
    output,
    files.map(key => ({ key })),
  )
}
