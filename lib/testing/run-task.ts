/** Runs one task on rows or files of a test, with the real steps and the real engine over stores in memory. */

import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { AnyRow } from '../define/row-types.ts'
import { checkOutputColumns } from '../define/task-checks.ts'
import { stageOf, stagesOf } from '../define/task-stages.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import { requireColumns } from '../infer/require-columns.ts'
import { findInputs } from '../inputs/find-inputs.ts'
import { fetchTables } from '../inputs/tables.ts'
import { datasetAt } from '../local/dataset.ts'
import { checkpointFiles } from '../local/delta-checkpoints.ts'
import { readRejectFiles } from '../local/state.ts'
import type { Manifest } from '../model/manifest.ts'
import { outputPathOf } from '../model/output-path.ts'
import { readParams } from '../model/param-values.ts'
import type { Reject } from '../model/reject.ts'
import type { WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import { createGate } from '../process/gate.ts'
import { runBatches } from '../process/run-batches.ts'
import { planTask, type TaskContext } from '../process/task-runner.ts'
import { readState } from '../state/files.ts'
import { outputPrefix, readOutcome, runKeys } from '../state/state.ts'
import { type MemoryStore, memoryStore } from '../store/memory-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { thisOwner } from '../threads/machine.ts'
import { neededPartitions } from '../threads/needed-partitions.ts'
import { batchTools } from '../threads/task-workers.ts'
import { checkKeys, rowFile, type TestRow } from './row-text.ts'
import { putFiles, type TestFiles } from './test-files.ts'
import { threadHere } from './thread-here.ts'

export interface RunTaskOptions {
  readonly params?: Readonly<Record<string, unknown>>
  /** Files below the input root by path: archives as `{ 'incoming/x.zip': { 'a.csv': 'id\n1\n' } }`, tables, other files. Default none. */
  readonly files?: TestFiles
  /** Rows to read instead of the source, written in its format, CSV or JSON lines, to `rows.csv` or `rows.jsonl`. */
  readonly rows?: readonly TestRow[]
}

/** A line that a function logged. */
export type LogMessage = Extract<WorkerMessage, { readonly kind: 'log' }>

export interface TaskRunResult<Row = AnyRow> {
  /** Rows in the order of the parts, with the values that map functions receive. Sort them in the test where the order matters. */
  readonly rows: readonly Row[]
  /** All rejected rows: the task's limit is not applied. */
  readonly rejects: readonly Reject[]
  readonly manifest: Manifest
  /** Contents of the files that `memberFiles` extracted, by path. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Lines that the task's functions logged. */
  readonly logs: readonly LogMessage[]
}

/**
 * Runs a task once, in this thread, and leaves no files behind.
 * @example const { rows } = await runTask(flights, { rows: [{ origin: 'ABE', delay: 5 }], files: { 'reference/airports.csv': 'iata,state\nABE,PA\n' } })
 * @throws the error of a run that fails, except for REJECTS_OVER_LIMIT
 */
export async function runTask<Row = AnyRow>(
  task: TaskDefinition,
  options: RunTaskOptions = {},
): Promise<TaskRunResult<Row>> {
  checkOptions(options)
  checkOutputColumns(task)
  const params = readParams(task.params, options.params ?? {})
  const input = memoryStore()
  await putFiles(input, options.files ?? {})
  const given = options.rows === undefined ? task : await withRows(task, options.rows, input)
  const folder = makeOwnFolder(tmpdir())
  const partFolder = join(folder, 'parts')
  mkdirSync(partFolder)
  const logs: LogMessage[] = []
  const pools: Workers[] = []
  try {
    const tables = await fetchTables({ input, stageFolder: folder }, given, params)
    const found = await findInputs({ input, task: given, params, neededPartitions, checkpoints: checkpointFiles })
    await requireColumns(input, given, found)
    const setup = {
      params,
      input,
      tables: tables.files,
      stageFolder: folder,
      partFolder,
      engineBytes,
      stageBytesMax: 4 * groupBytes,
    }
    const output = memoryStore()
    let exchanged: Schema | undefined
    for (const [stage, each] of stagesOf(given).entries()) {
      const workers = await threadHere(each, stage === 0 ? setup : { ...setup, input: output }, message => {
        if (message.kind === 'log') logs.push(message)
      })
      pools.push(workers)
      const columns = stage === 0 ? { hive: found.hive, dataset: found.dataset } : { exchanged }
      if (exchanged?.length !== 0) exchanged = (await workers.run<'check'>({ kind: 'check', ...columns })).schema
    }
    const manifest = await runSteps({ task: given, params, input, output, pools, folder, partFolder, found })
    return { ...(await resultsOf<Row>(output, manifest, outputPathOf(given, params))), manifest, logs }
  } finally {
    for (const workers of pools) await workers.close()
    removeOwnFolder(folder)
  }
}

const optionNames = ['params', 'files', 'rows']

/** @throws USAGE for an unknown option */
function checkOptions(options: RunTaskOptions): void {
  const unknown = Object.keys(options).find(name => !optionNames.includes(name))
  if (unknown === undefined) return
  const message = `runTask: unknown option ${unknown}; ${nearestOrAll(unknown, optionNames)}`
  throw new PermanentError('USAGE', message, { option: unknown })
}

const engineBytes = 256 * 1024 * 1024
const groupBytes = 64 * 1024 * 1024

/** Returns the same task with one file as its source. */
async function withRows(task: TaskDefinition, rows: readonly TestRow[], input: MemoryStore): Promise<TaskDefinition> {
  const { format } = task.source
  // A task that keeps or refuses new columns handles them itself.
  if (task.columns && task.onNewColumn === 'ignore') checkKeys(rows, task.columns)
  const { name, bytes } = rowFile(rows, format, task.columns)
  await input.write(name, bytes)
  return { ...task, source: { kind: 'files', paths: name, format } }
}

type Schema = WorkerResults['check']['schema']

interface Steps {
  readonly task: TaskDefinition
  readonly params: ParamValues
  readonly input: MemoryStore
  readonly output: MemoryStore
  /** The thread of each stage. */
  readonly pools: readonly Workers[]
  readonly folder: string
  readonly partFolder: string
  readonly found: Awaited<ReturnType<typeof findInputs>>
}

async function runSteps(steps: Steps): Promise<Manifest> {
  const { task, params, input, output, pools, folder, partFolder, found } = steps
  const context: TaskContext = {
    ...{ task, params, output, owner: thisOwner(), now: Date.now, checkpoints: checkpointFiles },
    codeHash: 'test',
    rejectsMax: Number.MAX_SAFE_INTEGER,
  }
  const planned = await planTask(context, { found, batchBytes: groupBytes })
  if (!('plan' in planned))
    throw new PermanentError('STATE_INVALID', `expected a new run in an empty store, got one that is ${planned.status}`)
  const machine = { output, gate: createGate(), stageFolder: folder, partFolder, groupBytes }
  let tries = 0
  const openTools = (stage: number) => {
    const own = { task: stageOf(task, stage), input: stage === 0 ? input : output, workers: pools[stage] as Workers }
    return batchTools({ ...machine, ...own, token: `test${tries++}` })
  }
  return runBatches(context, planned, { openTools, packing: { batchBytes: groupBytes }, failFast: true })
}

async function resultsOf<Row>(
  output: MemoryStore,
  manifest: Manifest,
  outputPath: string,
): Promise<Pick<TaskRunResult<Row>, 'rows' | 'rejects' | 'files'>> {
  const rows: Row[] = []
  const dataset = await datasetAt({ store: output, outputPath })
  if (manifest.parts.length > 0) for await (const row of dataset.rows()) rows.push(row as Row)
  const entries = (manifest.files ?? []).map(({ path }) => [path, output.objects.get(outputPrefix(outputPath) + path)])
  return { rows, rejects: await rejectsOf(output, manifest), files: Object.fromEntries(entries) }
}

async function rejectsOf(output: MemoryStore, { runs }: Manifest): Promise<Reject[]> {
  const { outcomes } = runKeys(runs[0]?.runId ?? '', runs[0]?.attempt ?? 1)
  const keys: string[] = []
  for await (const { key } of output.list(outcomes))
    keys.push(...((await readState(output, key, readOutcome))?.rejects ?? []))
  return readRejectFiles(output, keys)
}
