/** Fanmill on this machine: runs, and what they left. Each is loaded when it is called, so that a worker thread that imports definitions loads no more. */
import { checkRunOptions } from './local/run-options.ts'
import type {
  cleanState as Clean,
  listRuns as List,
  readRejects as Rejects,
  runStatus as Status,
} from './local/state.ts'

export type { DeployedPipeline } from './aws/stack-outputs.ts'
export type { DeployedOptions } from './deployed/deployed.ts'
export type { LogOptions } from './deployed/logs.ts'
export type { Started, Stopped } from './deployed/start.ts'
export type { DeployedStatus, ExecutionStatus } from './deployed/status.ts'
export type { DatasetRow } from './engine/dataset.ts'
export type { InferOptions, InferredSource } from './infer/infer.ts'
export type { Dataset, DatasetHead, HeadOptions, RowsOptions } from './local/dataset.ts'
export type { RunOptions, RunResult } from './local/options.ts'
export type { PlanSummary, TaskPlan } from './local/plan-run.ts'
export type { Cleaned, CleanOptions, RunSummary } from './local/state.ts'
export type { UnzipOptions, Unzipped } from './local/unzip.ts'
export type { RootAccess } from './store/roots.ts'

type Call<F extends (...args: never[]) => unknown> = (...args: Parameters<F>) => ReturnType<F>

const dataset = () => import('./local/dataset.ts')
const deployed = () => import('./deployed/deployed.ts')
const deployedStart = () => import('./deployed/start.ts')
const state = () => import('./local/state.ts')

/**
 * Runs a pipeline, or one task of it, on this machine: an imported definition, or the path of its file.
 * A run that fails is a result with `error`; what is wrong before a run begins is thrown.
 * @throws USAGE for an unknown option, DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 * @example const { status, tasks } = await run('pipelines/flights.ts', { params: { month: '2001-01' }, input: 'data' })
 */
export const run: Call<typeof import('./local/run.ts').run> = async (pipeline, options = {}) =>
  (await import('./local/run.ts')).run(pipeline, checkRunOptions(options))

/** What would run: inputs, slices, skew, parts; nothing is written. */
export const planRun: Call<typeof import('./local/plan-run.ts').planRun> = async (...args) =>
  (await import('./local/plan-run.ts')).planRun(...args)

/** The pipeline that a file exports. @throws DEFINITION_LOAD */
export const loadPipelineFile: Call<typeof import('./local/pipeline-file.ts').loadPipelineFile> = async (...args) =>
  (await import('./local/pipeline-file.ts')).loadPipelineFile(...args)

/** Columns of a file or an archive, from a sample, as a definition to paste. */
export const inferColumns: Call<typeof import('./infer/infer.ts').inferColumns> = async (...args) =>
  (await import('./infer/infer.ts')).inferColumns(...args)

/**
 * A committed dataset, by its manifest: never a mixture of an old and a new one.
 * @throws DATASET_MISSING, DATASET_DAMAGED when a part has another size than the manifest says, DATASET_REPLACED when it was replaced while it was read
 * @example for await (const row of (await openDataset('out/flights')).rows({ columns: ['origin', 'delay'] })) …
 */
export const openDataset: Call<typeof import('./local/dataset.ts').openDataset> = async (...args) =>
  (await dataset()).openDataset(...args)

/** A dataset's manifest. @throws DATASET_MISSING */
export const showDataset: Call<typeof import('./local/dataset.ts').showDataset> = async (...args) =>
  (await dataset()).showDataset(...args)

/** The first rows of a dataset, as texts. @throws DATASET_MISSING */
export const headDataset: Call<typeof import('./local/dataset.ts').headDataset> = async (...args) =>
  (await dataset()).headDataset(...args)

/** What ran into an output root, newest first. */
export const listRuns: Call<typeof List> = async (...args) => (await state()).listRuns(...args)
/** One run, by its id or its beginning; default the latest. @throws RUN_UNKNOWN */
export const runStatus: Call<typeof Status> = async (...args) => (await state()).runStatus(...args)
/** The rejected rows of a run. @throws RUN_UNKNOWN */
export const readRejects: Call<typeof Rejects> = async (...args) => (await state()).readRejects(...args)
/** Removes state that no dataset needs, and what interrupted runs left behind. */
export const cleanState: Call<typeof Clean> = async (...args) => (await state()).cleanState(...args)

/** Extracts an archive's members in parallel, sizes and checksums verified. @throws ZIP_*, OUTPUT_NOT_OURS */
export const unzip: Call<typeof import('./local/unzip.ts').unzip> = async (...args) =>
  (await import('./local/unzip.ts')).unzip(...args)

/** Where the pipeline of a stack is: its roots, its state machine, its logs. @throws STACK_UNKNOWN, AWS_REFUSED, USAGE when it has several */
export const findPipeline: Call<typeof import('./deployed/deployed.ts').findPipeline> = async (...args) =>
  (await deployed()).findPipeline(...args)

/** What a deployed pipeline ran, newest first; an execution that has ended counts for nothing more. @throws as `findPipeline` */
export const deployedRuns: Call<typeof import('./deployed/deployed.ts').deployedRuns> = async (...args) =>
  (await deployed()).deployedRuns(...args)

/** State of an execution and of its runs, by the name of either; default the latest that did something. @throws RUN_UNKNOWN, EXECUTION_UNKNOWN */
export const deployedStatus: Call<typeof import('./deployed/status.ts').deployedStatus> = async (...args) =>
  (await import('./deployed/status.ts')).deployedStatus(...args)

/** Lines of the functions' logs, in order of time. @throws as `deployedStatus` */
export async function* deployedLogs(
  ...args: Parameters<typeof import('./deployed/logs.ts').deployedLogs>
): ReturnType<typeof import('./deployed/logs.ts').deployedLogs> {
  yield* (await import('./deployed/logs.ts')).deployedLogs(...args)
}

/** Starts an execution of a deployed pipeline, which can be waited for. @throws as `findPipeline` */
export const startDeployed: Call<typeof import('./deployed/start.ts').startDeployed> = async (...args) =>
  (await deployedStart()).startDeployed(...args)
/** Goes on with a run of a deployed pipeline: only what has no outcome is done. @throws RUN_ACTIVE, RUN_COMPLETE, RUN_UNKNOWN */
export const retryDeployed: Call<typeof import('./deployed/start.ts').retryDeployed> = async (...args) =>
  (await deployedStart()).retryDeployed(...args)
/** Stops an execution of a deployed pipeline; outcomes stay. @throws EXECUTION_UNKNOWN */
export const stopDeployed: Call<typeof import('./deployed/start.ts').stopDeployed> = async (...args) =>
  (await deployedStart()).stopDeployed(...args)
