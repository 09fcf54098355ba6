/** The functions that programs call. What each needs is imported when it is called: a thread that imports definitions loads no more. */

import type { Dataset } from './datasets/dataset.ts'
import type { PipelineDefinition } from './define/definition.ts'
import type { InferOptions, InferredSource } from './infer/infer.ts'
import type { CleanResult } from './local/clean-state.ts'
import {
  accessOptions,
  type CleanOptions,
  cleanOptions,
  inferOptions,
  parallelMapOptions,
  type RejectsOptions,
  type RunsOptions,
  rejectsOptions,
  runsOptions,
  type StatusOptions,
  statusOptions,
  unzipOptions,
} from './local/options/api-options.ts'
import { checkOptions, type OptionKinds } from './local/options/options.ts'
import { type RunOptions, runOptions } from './local/options/run-options.ts'
import type { ParallelContext, ParallelMapOptions } from './local/parallel-map.ts'
import type { PlanSummary } from './local/plans/plan-run.ts'
import type { NodeReject, RunStatusSummary, RunSummary } from './local/state.ts'
import type { RunResult } from './local/task-context.ts'
import type { UnzipOptions, UnzipResult } from './local/unzip.ts'
import type { RootAccess } from './store/roots.ts'

/**
 * Runs a pipeline, or some tasks of it, on this machine: an imported definition, or the path of its file.
 * A run that fails is a result with `error`; what is wrong before a run begins is thrown.
 * @throws USAGE for an unknown option, DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 * @example const { status, tasks } = await run('pipelines/flights.ts', { params: { month: '2001-01' }, input: 'data' })
 */
export async function run(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<RunResult> {
  checkOptions('run', options, runOptions)
  return (await import('./local/start-run.ts')).startRun(pipeline, options)
}

/**
 * Finds out what `run` would do with the same options: inputs, slices, parts, and about what it would cost on AWS. Nothing is written.
 * Directories of archives are read, their members are not.
 * @throws as `run`; a source that finds nothing is a warning
 * @example const { tasks } = await plan('pipelines/flights.ts', { input: 'data' })
 */
export async function plan(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<PlanSummary> {
  checkOptions('plan', options, runOptions)
  return (await import('./local/plans/plan-run.ts')).planRun(pipeline, options)
}

/**
 * Returns the latest attempt of a run: its progress, counts and failures; by default of the latest run, with
 * `nodes` for all of the last command.
 * @throws USAGE, RUN_UNKNOWN
 * @example const { status, batchesDone, batches } = await status({ output: 'out' })
 */
export async function status(options: StatusOptions = {}): Promise<RunStatusSummary> {
  checkOptions('status', options, statusOptions)
  return (await import('./local/state.ts')).readStatus(options)
}

/**
 * Lists what ran into an output root: every attempt of every run, the latest start first.
 * @throws USAGE
 * @example const failed = (await runs({ output: 'out', limit: 10 })).filter(({ status }) => status === 'failed')
 */
export async function runs(options: RunsOptions = {}): Promise<RunSummary[]> {
  checkOptions('runs', options, runsOptions)
  return (await import('./local/state.ts')).listRuns(options)
}

/**
 * Returns the rejected rows of a run's latest attempt, in order of batch; by default those of all runs of the last command.
 * @throws USAGE, RUN_UNKNOWN
 * @example for (const { member, line, expected, received } of await rejects({ output: 'out', limit: 100 })) …
 */
export async function rejects(options: RejectsOptions = {}): Promise<NodeReject[]> {
  checkOptions('rejects', options, rejectsOptions)
  return (await import('./local/state.ts')).readRejects(options)
}

/**
 * Removes old state that no dataset needs, and what runs left behind that failed or were interrupted. Datasets stay as they are.
 * @throws USAGE
 * @example const { removed } = await clean({ output: 'out', olderThanDays: 30, dryRun: true })
 */
export async function clean(options: CleanOptions = {}): Promise<CleanResult> {
  checkOptions('clean', options, cleanOptions)
  return (await import('./local/clean-state.ts')).cleanState(options)
}

/**
 * Extracts the members of an archive into a folder, on all cores, and checks every member's size and CRC-32.
 * @throws USAGE, NO_INPUT, OUTPUT_NOT_OURS when files of others would be overwritten, ABORTED, ZIP_*, DISK_FULL
 * @example const { files, bytes } = await unzip('incoming/flights.zip', 'extracted', { members: '2001/*.csv' })
 */
export async function unzip(archive: string, destination: string, options: UnzipOptions = {}): Promise<UnzipResult> {
  checkOptions('unzip', options, unzipOptions)
  return (await import('./local/unzip.ts')).unzip(archive, destination, options)
}

/**
 * Finds the format and the columns of files or archives, by their paths, globs or a folder with them, in a sample, and checks them by reading it.
 * @throws USAGE, NO_INPUT, ZIP_*, INPUT_*
 * @example const { source, columns } = await infer('incoming/flights.zip')
 */
export async function infer(file: string | readonly string[], options: InferOptions = {}): Promise<InferredSource> {
  checkOptions('infer', options, inferOptions)
  return (await import('./infer/infer.ts')).inferColumns(file, options)
}

/**
 * Opens a committed dataset, by its manifest: never a mixture of an old and a new one. A folder of datasets of one task is opened as one,
 * with their parameters as columns.
 * @throws USAGE, DATASET_MISSING, DATASET_DAMAGED when a part has another size than the manifest says, DATASET_REPLACED when it was replaced
 * while it was read
 * @example for await (const row of (await openDataset('out/flights')).rows({ columns: ['origin', 'delay'] })) …
 */
export async function openDataset(dataset: string, access: RootAccess = {}): Promise<Dataset> {
  checkOptions('openDataset', access, accessOptions)
  return (await import('./datasets/dataset.ts')).openDataset(dataset, access)
}

/**
 * Maps a function over values in worker threads, several at once, and returns the results in the order of the values. The function
 * is an exported one of `module`, which each thread imports. Values and results are copied between threads: plain data, typed arrays.
 * Memory: all values and results.
 * @throws USAGE for an option, or for a value that cannot be sent to a thread; DEFINITION_LOAD when the module does not export the function;
 * TRANSFORM_FAILED with the index of the value for which it threw; ABORTED
 * @example const scores = await parallelMap(rows, score, { module: new URL('./score.ts', import.meta.url), params: { factor: 2 } })
 */
export async function parallelMap<
  Value,
  Result,
  Params extends object = Readonly<Record<string, never>>,
  State = undefined,
>(
  values: Iterable<Value> | AsyncIterable<Value>,
  map: (value: Value, context: ParallelContext<NoInfer<Params>, NoInfer<State>>) => Result,
  options: ParallelMapOptions<Params, State>,
): Promise<Awaited<Result>[]> {
  checkOptions('parallelMap', options, parallelMapOptions as OptionKinds<ParallelMapOptions<Params, State>>)
  const mapping = await import('./local/parallel-map.ts')
  return (await mapping.parallelMap(values, map, options as ParallelMapOptions<object, unknown>)) as Awaited<Result>[]
}
