/** Exports everything that users import from `fanmill`. */

export { clean, infer, openDataset, parallelMap, plan, rejects, run, runs, status, unzip } from './api.ts'
export type { Dataset, DatasetBatch, DatasetRow, RowsOptions, Shard } from './datasets/dataset.ts'
export * from './define/index.ts'
export {
  CapacityError,
  type ErrorCode,
  type ErrorDetail,
  FanmillError,
  PermanentError,
  TransientError,
} from './errors/errors.ts'
export type { InferOptions, InferredSource } from './infer/infer.ts'
export type { InferProgress } from './infer/text.ts'
export type { CleanResult } from './local/clean-state.ts'
export type {
  CleanOptions,
  RejectsOptions,
  RunsOptions,
  StateOptions,
  StatusOptions,
} from './local/options/api-options.ts'
export type { RunOptions } from './local/options/run-options.ts'
export type { ParallelContext, ParallelMapOptions } from './local/parallel-map.ts'
export type { PlannedExchange, PlanSummary, TaskPlan } from './local/plans/plan-run.ts'
export type { EndedNode, NodeReject, RunStatusSummary, RunSummary } from './local/state.ts'
export type { RunResult } from './local/task-context.ts'
export type { UnzipOptions, UnzipResult } from './local/unzip.ts'
export type { EndEvent, LogLevel, RunEvent, RunStatus, TaskResult, TaskStatus } from './model/events.ts'
export type {
  Manifest,
  ManifestFile,
  ManifestInput,
  ManifestPart,
  ManifestRun,
  SchemaColumn,
  Totals,
} from './model/outcome/manifest.ts'
export type { Reject } from './model/outcome/reject.ts'
export type { Partition } from './paths/partition-path.ts'
export type { RootAccess } from './store/roots.ts'
