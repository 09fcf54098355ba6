/** Options of the functions that programs call, each with its check; those of `run` are in run-options.ts. */
import type { InferOptions } from '../../infer/infer.ts'
import type { RootAccess } from '../../store/roots.ts'
import type { ParallelMapOptions } from '../parallel-map.ts'
import type { UnzipOptions } from '../unzip.ts'
import {
  callback,
  count,
  days,
  encoding,
  flag,
  module,
  type OptionKinds,
  params,
  root,
  signal,
  text,
} from './options.ts'

export interface StateOptions extends RootAccess {
  /** Folder, or `s3://bucket/prefix`, that runs wrote to; default `out`. */
  readonly output?: string
}

export interface RunsOptions extends StateOptions {
  /** Number of attempts to list, the latest first, such as `100`; default all. */
  readonly limit?: number
}

export interface StatusOptions extends StateOptions {
  /** Id of the run, or its first digits, such as `0f3a9c`; default the latest run, and all nodes of its command. */
  readonly runId?: string
}

export interface RejectsOptions extends StatusOptions {
  /** Number of rows to read, the first batch's first, such as `100`; default all. */
  readonly limit?: number
}

export interface CleanOptions extends StateOptions {
  /**
   * Age in days, such as `0.5`, from which state is removed; default 7, and 0 for the uncommitted parts and working files of runs that
   * failed or were interrupted.
   */
  readonly olderThanDays?: number
  /** Lists what would be removed, and removes nothing; default false. */
  readonly dryRun?: boolean
  /**
   * A pipeline file, such as `pipeline.ts`, of whose salted outputs the datasets at paths of other code are removed too, when the last run
   * was committed that long ago, by a pipeline of the same name, and no run is active; default none. They cannot be brought back.
   */
  readonly oldSaltsOf?: string
}

export const accessOptions: OptionKinds<RootAccess> = { profile: text, region: text }
const stateOptions: OptionKinds<StateOptions> = { ...accessOptions, output: root }
export const runsOptions: OptionKinds<RunsOptions> = { ...stateOptions, limit: count }
export const statusOptions: OptionKinds<StatusOptions> = { ...stateOptions, runId: text }
export const rejectsOptions: OptionKinds<RejectsOptions> = { ...statusOptions, limit: count }
export const cleanOptions: OptionKinds<CleanOptions> = {
  ...stateOptions,
  ...{ olderThanDays: days, dryRun: flag, oldSaltsOf: text },
}
export const unzipOptions: OptionKinds<UnzipOptions> = { members: text, workers: count, signal, onEvent: callback }
export const parallelMapOptions: OptionKinds<ParallelMapOptions<object, unknown>> = {
  ...{ module, params, setup: callback, workers: count, concurrency: count, signal },
}
export const inferOptions: OptionKinds<InferOptions> = {
  members: text,
  delimiter: text,
  encoding,
  onProgress: callback,
}
