/** What users import from `fanmill`. */

export * from './define/index.ts'
export {
  CapacityError,
  type ErrorCode,
  type ErrorDetail,
  FanmillError,
  PermanentError,
  TransientError,
} from './errors/errors.ts'
export {
  type Dataset,
  type DatasetRow,
  openDataset,
  type RootAccess,
  type RowsOptions,
  type RunOptions,
  type RunResult,
  run,
} from './local.ts'
export type { EndEvent, LogLevel, RunEvent, RunStatus, TaskResult, TaskStatus } from './model/events.ts'
export type {
  Manifest,
  ManifestFile,
  ManifestInput,
  ManifestPart,
  ManifestRun,
  SchemaColumn,
  Totals,
} from './model/manifest.ts'
export type { Reject } from './model/reject.ts'
export type { Partition } from './paths/partition-path.ts'
