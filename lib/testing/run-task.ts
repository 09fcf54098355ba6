/** Runs one task on rows or files of a test, with the real steps and the real engine over stores in memory. */
import { datasetAt } from '../datasets/dataset.ts'
import type { AnyRow } from '../define/columns/row-types.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { jsonLines } from '../define/formats/format.ts'
import type { RowOfTask } from '../define/sources/read-rows.ts'
import { datasetSource } from '../define/sources/source-paths.ts'
import { checkOutputColumns } from '../define/tasks/task-checks.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import { findInputs } from '../inputs/find-inputs.ts'
import { type LogMessage, runInMemory } from '../local/memory-run.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { Reject } from '../model/outcome/reject.ts'
import { readParams } from '../model/run/param-values.ts'
import { outputPrefix } from '../state/state.ts'
import { type MemoryStore, memoryStore } from '../store/memory-store.ts'
import { engineServices } from '../threads/engine-services.ts'
import { columnsOfRows } from './row-columns.ts'
import { checkKeys, rowFile, type TestRow } from './row-text.ts'
import { putFiles, type TestFiles } from './test-files.ts'

export type { LogMessage } from '../local/memory-run.ts'

export interface RunTaskOptions {
  /** Values of the task's parameters. Default those that the task declares. @example { month: '2001-01' } */
  readonly params?: Readonly<Record<string, unknown>>
  /** Files below the input root by path: archives as `{ 'incoming/x.zip': { 'a.csv': 'id\n1\n' } }`, tables, other files. Default none. */
  readonly files?: TestFiles
  /**
   * Rows to read instead of the source, written in its format, CSV or JSON lines, to `rows.csv` or `rows.jsonl`. Those of `partitionsOf` and
   * `deltaTable` are given as the source's `where` leaves them; without `columns`, their types are those of the values.
   */
  readonly rows?: readonly TestRow[]
}

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
export async function runTask<T extends TaskDefinition>(
  task: T,
  options: RunTaskOptions = {},
): Promise<TaskRunResult<RowOfTask<T>>> {
  checkOptions(options)
  checkOutputColumns(task)
  const params = readParams(task.params, options.params ?? {})
  const input = memoryStore()
  await putFiles(input, options.files ?? {})
  const given = options.rows === undefined ? task : await withRows(task, options.rows, input)
  const find = () => findInputs({ ...engineServices, input, task: given, params })
  const { output, outputPath, manifest, ...found } = await runInMemory({ task: given, params, input, find })
  return { ...(await resultsOf<RowOfTask<T>>(output, manifest, outputPath)), ...found, manifest }
}

const optionNames = ['params', 'files', 'rows']

/** @throws USAGE for an unknown option */
function checkOptions(options: RunTaskOptions): void {
  const unknown = Object.keys(options).find(name => !optionNames.includes(name))
  if (unknown === undefined) return
  const message = `runTask: unknown option ${unknown}; ${nearestOrAll(unknown, optionNames)}`
  throw new PermanentError('USAGE', message, { option: unknown })
}

/** Returns the same task with one file as its source. */
async function withRows(task: TaskDefinition, rows: readonly TestRow[], input: MemoryStore): Promise<TaskDefinition> {
  const isDataset = datasetSource(task.source) !== undefined
  const format = isDataset ? jsonLines() : task.source.format
  const columns = task.columns ?? (isDataset ? columnsOfRows(rows) : undefined)
  // A task that keeps or refuses new columns handles them itself.
  if (columns && task.onNewColumn === 'ignore') checkKeys(rows, columns)
  const { name, bytes } = rowFile(rows, format, columns)
  await input.write(name, bytes)
  return { ...task, columns, source: { kind: 'files', paths: name, format } }
}

async function resultsOf<Row>(
  output: MemoryStore,
  manifest: Manifest,
  outputPath: string,
): Promise<Pick<TaskRunResult<Row>, 'rows' | 'files'>> {
  const dataset = await datasetAt({ store: output, outputPath })
  const rows = manifest.parts.length > 0 ? await Array.fromAsync(dataset.rows()) : []
  const entries = (manifest.files ?? []).map(({ path }) => [path, output.objects.get(outputPrefix(outputPath) + path)])
  return { rows: rows as Row[], files: Object.fromEntries(entries) }
}
