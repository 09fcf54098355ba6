/** Exports what a pipeline's module imports: the builders of definitions, and their types. It has no side effects. */

export type { ActingTask, ActingTaskOptions } from './acting-task.ts'
export type { Environment, Permission, TargetDefinition } from './action-definition.ts'
export { type Avro, avro } from './avro-format.ts'
export { days, months } from './calendar.ts'
export { type ColumnOf, column, type ListColumnOf, type StructColumnOf } from './column.ts'
export type {
  BooleanColumnOptions,
  ColumnOptions,
  IntegerColumnOptions,
  NumberColumnOptions,
  TimeColumnOptions,
} from './column-definition.ts'
export { type CronOptions, cron } from './cron.ts'
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
export { type Delta, type DeltaOptions, delta } from './delta.ts'
export { type DeltaTableOptions, deltaTable } from './delta-table.ts'
export type { DistinctOptions, ExchangeOptions, ReduceOptions } from './exchange.ts'
export type { DistinctStep, ExchangeStep, Measure, Measures, ReduceStep } from './exchange-definition.ts'
export { type ExternalTask, type ExternalTaskOptions, externalTask } from './external-task.ts'
export { type FixedWidth, type FixedWidthOptions, fixedWidth } from './fixed-width.ts'
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
} from './format.ts'
export type { Refined } from './freeze.ts'
export { type ItemMap, type ItemResult, type Items, type ItemsOptions, type ItemValues, items } from './items.ts'
export type { JoinKey, JoinKind } from './join-definition.ts'
export { type JoinedRow, type JoinInput, type JoinOptions, joinOf } from './join-of.ts'
export { type Json, type JsonOptions, json } from './json-format.ts'
export type { JsonValue } from './json-value.ts'
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
} from './measures.ts'
export {
  type MemberFiles,
  type MemberFilesOptions,
  memberFiles,
  type Parquet,
  type ParquetOptions,
  parquet,
} from './output.ts'
export type {
  DeltaOutput,
  MemberFilesOutput,
  Output,
  OutputMode,
  ParquetOutput,
  SinkOutput,
} from './output-definition.ts'
export { type AggregateOptions, aggregate, type OwnAggregateOf } from './own-aggregate.ts'
export { type ParamOf, type ParamOptions, param } from './param.ts'
export { partitionsOf } from './partitions-of.ts'
export { type Pipeline, type PipelineOptions, pipeline } from './pipeline.ts'
export { type ProgramTask, type ProgramTaskOptions, programTask } from './program-task.ts'
export { RejectError } from './reject-error.ts'
export type {
  DiscoverContext,
  ExternalTaskDefinition,
  NamedRequirements,
  RequiredDataset,
  Requirement,
  RequirementDefinition,
  Requirements,
  Resources,
} from './requirement-definition.ts'
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
} from './row-types.ts'
export { type RowsContext, type RowsFrom, type RowsFromOptions, rowsFrom } from './rows-from.ts'
export type { ScheduleDefinition, ScheduledParam, ScheduledTime } from './schedule-definition.ts'
export { lastMonth, thisMonth, today, yesterday } from './scheduled-params.ts'
export { secret } from './secret.ts'
export { type Sink, type SinkContext, type SinkOptions, sink } from './sink.ts'
export {
  type Files,
  type FilesOptions,
  files,
  type ZipMembers,
  type ZipMembersOptions,
  zipLimits,
  zipMembers,
} from './source.ts'
export { type SqlOptions, type SqlTag, sql } from './sql.ts'
export { type LocalCall, type StateTask, type StateTaskOptions, stateTask } from './state-task.ts'
export type {
  MapOptions,
  MappedBatch,
  MappedRow,
  RowAfterStep,
} from './steps.ts'
export { table } from './table.ts'
export { task } from './task.ts'
export type { AnyTaskOptions, TaskOptions } from './task-options.ts'
export type { SqlMethod, Task } from './task-type.ts'
export { type Temporary, type TemporaryOptions, temporary } from './temporary.ts'
export { type Xlsx, type XlsxOptions, xlsx } from './workbook-format.ts'
export { type Xml, type XmlOptions, xml } from './xml-format.ts'
