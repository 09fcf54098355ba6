/** Exports what a pipeline's module imports: the builders of definitions, and their types. It has no side effects. */

export { type ColumnOf, column, type ListColumnOf, type StructColumnOf } from './columns/column.ts'
export type {
  BooleanColumnOptions,
  ColumnOptions,
  IntegerColumnOptions,
  NumberColumnOptions,
  TimeColumnOptions,
} from './columns/column-definition.ts'
export type {
  AnyRow,
  BatchContext,
  CellOf,
  LogFields,
  MapContext,
  ParamValuesOf,
  RowBatch,
  RowContext,
  RowOf,
  SetupContext,
  TaskLog,
  UserFile,
  ValueOf,
} from './columns/row-types.ts'
export type {
  ColumnDefinition,
  Columns,
  CsvFormat,
  DeltaTableSource,
  FilesSource,
  Format,
  ItemsSource,
  JoinSource,
  JsonLinesFormat,
  LinesFormat,
  MapBatchesStep,
  MapRowsStep,
  ParamDefinition,
  Params,
  ParamType,
  ParamValue,
  ParamValues,
  ParquetFormat,
  PipelineDefinition,
  RejectLimit,
  RowsFromSource,
  ScalarType,
  SecretDefinition,
  Source,
  SqlStep,
  SqlValue,
  Step,
  StepDefinition,
  TableDefinition,
  TaskDefinition,
  ZipLimits,
  ZipMembersSource,
} from './definition.ts'
export { type Avro, avro } from './formats/avro-format.ts'
export { type FixedWidth, type FixedWidthOptions, fixedWidth } from './formats/fixed-width.ts'
export {
  type Csv,
  type CsvOptions,
  csv,
  type JsonLines,
  jsonLines,
  type Lines,
  type LinesOptions,
  lines,
  type ParquetFiles,
  parquetFiles,
} from './formats/format.ts'
export { type Json, type JsonOptions, json } from './formats/json-format.ts'
export { type Xlsx, type XlsxOptions, xlsx } from './formats/workbook-format.ts'
export { type Xml, type XmlOptions, xml } from './formats/xml-format.ts'
export type { Refined } from './freeze.ts'
export type { JsonValue } from './json-value.ts'
export { type Delta, type DeltaOptions, delta } from './outputs/delta.ts'
export {
  type MemberFiles,
  type MemberFilesOptions,
  memberFiles,
  type Parquet,
  type ParquetOptions,
  parquet,
} from './outputs/output.ts'
export type {
  DeltaOutput,
  MemberFilesOutput,
  Output,
  OutputMode,
  ParquetOutput,
  SinkOutput,
} from './outputs/output-definition.ts'
export { type Sink, type SinkContext, type SinkOptions, sink } from './outputs/sink.ts'
export { type Temporary, type TemporaryOptions, temporary } from './outputs/temporary.ts'
export { days, months } from './params/calendar.ts'
export { type CronOptions, cron } from './params/cron.ts'
export { type ParamOf, type ParamOptions, param } from './params/param.ts'
export type { ScheduleDefinition, ScheduledParam, ScheduledTime } from './params/schedule-definition.ts'
export { lastMonth, thisMonth, today, yesterday } from './params/scheduled-params.ts'
export { type Pipeline, type PipelineOptions, pipeline } from './pipeline.ts'
export { secret } from './secret.ts'
export { type DeltaTableOptions, deltaTable } from './sources/delta-table.ts'
export {
  type ItemMap,
  type ItemResult,
  type Items,
  type ItemsOptions,
  type ItemValues,
  items,
} from './sources/items.ts'
export { type JoinedRow, type JoinInput, type JoinOptions, joinOf } from './sources/join-of.ts'
export { partitionsOf } from './sources/partitions-of.ts'
export { type RowsContext, type RowsFrom, type RowsFromOptions, rowsFrom } from './sources/rows-from.ts'
export {
  type Files,
  type FilesOptions,
  files,
  type ZipMembers,
  type ZipMembersOptions,
  zipLimits,
  zipMembers,
} from './sources/source.ts'
export { table } from './sources/table.ts'
export type { DistinctOptions, ExchangeOptions, ReduceOptions } from './steps/exchange.ts'
export type { DistinctStep, ExchangeStep, Measure, Measures, ReduceStep } from './steps/exchange-definition.ts'
export type { JoinKey, JoinKind } from './steps/join-definition.ts'
export {
  count,
  countDistinct,
  first,
  type ListOptions,
  last,
  listOf,
  type MeasureOf,
  max,
  mean,
  min,
  type OrderOptions,
  quantile,
  type ReducedRow,
  type SumOptions,
  stddev,
  sum,
  type TextOptions,
  textOf,
  variance,
} from './steps/measures.ts'
export { type AggregateOptions, aggregate, type OwnAggregateOf } from './steps/own-aggregate.ts'
export { RejectError } from './steps/reject-error.ts'
export { type SqlOptions, type SqlTag, sql } from './steps/sql.ts'
export type {
  MapOptions,
  MappedBatch,
  MappedRow,
  RowAfterStep,
} from './steps/steps.ts'
export type { ActingTask, ActingTaskOptions } from './tasks/acting-task.ts'
export type { Environment, Permission, TargetDefinition } from './tasks/action-definition.ts'
export { type ExternalTask, type ExternalTaskOptions, externalTask } from './tasks/external-task.ts'
export { type ProgramTask, type ProgramTaskOptions, programTask } from './tasks/program-task.ts'
export type {
  DiscoverContext,
  ExternalTaskDefinition,
  NamedRequirements,
  RequiredDataset,
  Requirement,
  RequirementDefinition,
  Requirements,
  Resources,
} from './tasks/requirement-definition.ts'
export { type LocalCall, type StateTask, type StateTaskOptions, stateTask } from './tasks/state-task.ts'
export { task } from './tasks/task.ts'
export type { AnyTaskOptions, TaskOptions } from './tasks/task-options.ts'
export type { SqlMethod, Task } from './tasks/task-type.ts'
