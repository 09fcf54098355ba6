/** What users import from `fanmill`. */
export {
  CapacityError,
  type ErrorCode,
  type ErrorDetail,
  FanmillError,
  PermanentError,
  TransientError,
} from './core/errors.ts'
export type { EndEvent, LogLevel, RunEvent, RunStatus, TaskResult, TaskStatus } from './core/events.ts'
export type {
  Manifest,
  ManifestFile,
  ManifestInput,
  ManifestPart,
  ManifestRun,
  Partition,
  SchemaColumn,
  Totals,
} from './core/manifest.ts'
export type { Reject } from './core/reject.ts'
export * from './define/index.ts'
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
