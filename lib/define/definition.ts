/** The data of a definition: frozen and JSON-printable, except for the user's functions, which stay in their module. */

import type { ColumnDefinition } from './columns/column-definition.ts'
import type { ProvenanceColumn } from './columns/provenance.ts'
import type { Format, JsonLinesFormat, ParquetFormat } from './formats/format-definition.ts'
import type { GivenValues } from './json-value.ts'
import type { DatasetOutput, Output } from './outputs/output-definition.ts'
import type { Params } from './params/param-definition.ts'
import type { ScheduleDefinition } from './params/schedule-definition.ts'
import type { ExchangeSource, ExchangingStep, KeyedStep } from './steps/exchange-definition.ts'
import type { JoinStep } from './steps/join-definition.ts'
import type { SqlStep } from './steps/sql-step.ts'
import type { ActionSource } from './tasks/action-definition.ts'
import type { GraphFields, Resources } from './tasks/requirement-definition.ts'

export type { ColumnDefinition, ScalarType } from './columns/column-definition.ts'
export type {
  AvroFormat,
  CsvFormat,
  DeclaredEncoding,
  FieldRange,
  FixedWidthFormat,
  Format,
  JsonFormat,
  JsonLinesFormat,
  LinesFormat,
  ParquetFormat,
  TextEncoding,
  WideEncoding,
  WorkbookFormat,
  XmlFormat,
} from './formats/format-definition.ts'
export type { ParamDefinition, Params, ParamType, ParamValue, ParamValues } from './params/param-definition.ts'
export type { SqlStep, SqlValue } from './steps/sql-step.ts'

/** Columns by name. */
export type Columns = Readonly<Record<string, ColumnDefinition>>

export interface ZipMembersSource {
  readonly kind: 'zipMembers'
  /** The paths of the archives under the input root: a template with `{param}` placeholders and globs. */
  readonly paths: string
  /**
   * A glob over member names. Default every member; with a format, except dot files, `__MACOSX` and `_temporary`.
   * @example zipMembers({ paths: '*.zip', members: '**\/*.csv', format: csv() })
   */
  readonly members: string
  readonly format?: Format
  /**
   * The treatment of a member that cannot be read: `fail` fails the run, `skip` counts it and warns. Default `fail`.
   * @example zipMembers({ paths: '*.zip', format: csv(), onBadMember: 'skip' })
   */
  readonly onBadMember: 'fail' | 'skip'
  /**
   * Whether members that are archives by their names are opened, and their members read as `inner.zip/a.csv`; `limits.depthMax` bounds how
   * deep. Default false.
   * @example zipMembers({ paths: '*.zip', nested: true, members: '**\/*.csv', format: csv() })
   */
  readonly nested?: boolean
  /** Whether folders `name=value` in an archive's path are columns. Absent means true. */
  readonly hive?: boolean
  readonly limits: ZipLimits
}

/** Limits against hostile archives, whose declared sizes may be false. A member beyond one is bad: see `onBadMember`. */
export interface ZipLimits {
  /** The inflated bytes of one member. Default 64 GiB. */
  readonly memberBytesMax: number
  /** The inflated bytes of all selected members of an archive. Default 1 TiB. */
  readonly archiveBytesMax: number
  /** The inflated bytes of a member over its compressed bytes; checked above 1 MiB inflated. Default 1,100. */
  readonly ratioMax: number
  /** The members of an archive. Default 2,000,000. */
  readonly memberCountMax: number
  /** The bytes of a member's name. Default 4,096. */
  readonly nameBytesMax: number
  /** The levels of archives in one another below an archive, which `nested` opens. Default 3. */
  readonly depthMax: number
}

export interface FilesSource {
  readonly kind: 'files'
  /** The paths of the files under the input root: a template with `{param}` placeholders and globs. */
  readonly paths: string
  readonly format?: Format
  /** Whether folders `name=value` in a file's path are columns. Absent means true. */
  readonly hive?: boolean
}

/** Rows that a function of the user yields: from an API, a database, an array. */
export interface RowsFromSource {
  readonly kind: 'rowsFrom'
  /** The pieces of work, or a function of the parameters that returns them. */
  readonly partitions: GivenValues
  /** Yields the rows of one partition; runs in a worker thread. */
  readonly rows: (partition: never, context: never) => AsyncIterable<object> | Iterable<object>
  /** Bytes of JSON that a partition is expected to yield; default 8 MiB. */
  readonly partitionBytes: number
  /** Rows pass through the same checks as JSON lines. */
  readonly format: JsonLinesFormat
  readonly hive: false
}

/** Rows that a function of the user makes of values. */
export interface ItemsSource {
  readonly kind: 'items'
  /** The values, or a function of the parameters that returns them. */
  readonly values: GivenValues
  /** Returns a row, a list of rows or null; runs in a worker thread. Default each value is a row. */
  readonly map?: (value: never, context: never) => unknown
  /**
   * The calls of an async function that are in flight at once in each worker. Use 1 for a function that computes: a worker then
   * takes one value after another, and a slow value delays no other. Default 5.
   * @example items(urls, fetchPage, { concurrency: 20 })
   */
  readonly concurrency: number
  /**
   * How often a call that fails is repeated for its value, with growing waits from 250 ms, before the run fails. Default 0.
   * @example items(urls, fetchPage, { retries: 3 })
   */
  readonly retries: number
  /**
   * The bytes of JSON that a value is expected to yield, which decides how many make a batch. Default 1 MiB.
   * @example items(models, train, { itemBytes: 32 * 2 ** 20 })
   */
  readonly itemBytes: number
  /** Rows pass through the same checks as JSON lines. */
  readonly format: JsonLinesFormat
  readonly hive: false
}

/** The rows that another task of the pipeline has written. */
export interface PartitionsOfSource {
  readonly kind: 'partitionsOf'
  /** The names that lead to the dataset of the other task under the parameters of a run. */
  readonly of?: { readonly name: string; readonly params: Params; readonly output: DatasetOutput }
  /** The key of `requires` whose nodes are read. Default all nodes of the task that are required. */
  readonly key?: string
  /** The dataset of another pipeline, in place of a task. */
  readonly at?: { readonly path: string; readonly root: 'input' | 'output' }
  /** The columns that are read. Default all, or those that the first step in SQL names. */
  readonly columns?: readonly string[]
  /** A condition on the rows as they were written. Default every row. */
  readonly where?: SqlStep | ((params: never) => SqlStep)
  /** The parameters of the other task whose values are columns of its rows. Default none. */
  readonly params?: readonly string[]
  readonly format: ParquetFormat
  readonly hive: false
}

/** The rows of a Delta table at one version. */
export interface DeltaTableSource extends Pick<PartitionsOfSource, 'columns' | 'where' | 'format' | 'hive'> {
  readonly kind: 'deltaTable'
  /**
   * The folder of the table under the input root: a template with `{param}` placeholders. Required.
   * @example deltaTable({ path: 'lake/sales' })
   */
  readonly path: string
  /**
   * The version that is read. Default the newest one when the run is planned.
   * @example deltaTable({ path: 'lake/sales', version: 12 })
   */
  readonly version?: number
}

/** The rows of two datasets, joined by key. */
export interface JoinSource extends JoinStep {
  readonly kind: 'joinOf'
  readonly left: PartitionsOfSource
  readonly right: PartitionsOfSource
  /** The number of groups into which keys are hashed. Default by the bytes of both sides. */
  readonly buckets?: number
  /** Set where both sides are kept by the key of the join, in as many buckets, and are read as they are. */
  readonly isKept?: boolean
  readonly format: { readonly kind: 'parquet' }
  readonly hive: false
}

/** The origin of rows. */
export type Source =
  | DeltaTableSource
  | ZipMembersSource
  | FilesSource
  | RowsFromSource
  | ItemsSource
  | PartitionsOfSource
  | JoinSource
  | ExchangeSource
  | ActionSource

export interface MapRowsStep {
  readonly kind: 'mapRows'
  readonly map: (row: never, context: never) => unknown
  /** The columns that the function adds, or to which it gives another type. Others pass through. */
  readonly adds: Columns
  /** Set when rows on which the function fails are rejects. */
  readonly onError?: 'reject'
}

export interface MapBatchesStep extends Omit<MapRowsStep, 'kind'> {
  readonly kind: 'mapBatches'
}

/** A step as an engine applies it. */
export type Step = SqlStep | MapRowsStep | MapBatchesStep | KeyedStep
/** A step, or a function of the parameters that returns one. An exchange ends a stage, and so is compiled before a step runs. */
export type StepDefinition = Step | ExchangingStep | ((params: never) => Step)

/** A small table that every worker reads whole. */
export type TableDefinition = TableFields &
  (
    | {
        /** The path of its file under the input root, or a glob of files: a template with `{param}` placeholders. */
        readonly path: string
        /** The members of the archive at the path; absent where the file itself is the table. */
        readonly member?: string
        readonly of?: undefined
      }
    | {
        /** The task whose rows it has. */
        readonly of: NonNullable<PartitionsOfSource['of']>
        readonly path?: undefined
        readonly member?: undefined
      }
  )

interface TableFields {
  readonly kind: 'table'
  /** The most bytes that it may have. */
  readonly bytesMax: number
  readonly format: Format
  /** The types of its columns. Default those that the engine detects. */
  readonly columns?: Columns
}

/** The name of a value that only the task's functions can read. */
export interface SecretDefinition {
  readonly kind: 'secret'
  readonly name: string
}

/** How many rejected rows a run may have. */
export interface RejectLimit {
  /** A count of rows, or a share of the records such as `0.5%`. Default 0. */
  readonly max: number | `${number}%`
}

/** A condition on the rows as they are read, and the reason of the rejects for which it is false. */
export interface RowCheck {
  /** The condition, in SQL. */
  readonly that: SqlStep
  /** Text that the rejects have as their reason. */
  readonly reason: string
}

/** Marks, for the compiler only, a task whose output names columns that its rows do not have. */
export declare const unknownOutputColumns: unique symbol

/** A task whose output uses no unknown column, as pipelines and runs take it. */
export interface TaskDefinition extends TaskFields {
  readonly [unknownOutputColumns]?: undefined
}

/** The data of a task. Its options are documented at `AnyTaskOptions`. */
export interface TaskFields extends GraphFields {
  readonly kind: 'task'
  readonly name: string
  readonly doc?: string
  readonly params: Params
  readonly source: Source
  readonly columns?: Columns
  readonly tables: Readonly<Record<string, TableDefinition>>
  readonly transform: readonly StepDefinition[]
  readonly where?: SqlStep | ((params: never) => SqlStep)
  readonly output: Output
  readonly checks?: readonly RowCheck[]
  readonly rejects: RejectLimit
  readonly strict: boolean
  readonly onNewColumn: 'ignore' | 'fail' | 'keep'
  readonly onMissingColumn: 'fail' | 'null'
  readonly onEmpty: 'fail' | 'succeed'
  readonly provenance: readonly ProvenanceColumn[]
  readonly setup?: (context: never) => unknown
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
  readonly version?: string
}

export interface PipelineDefinition {
  readonly kind: 'pipeline'
  readonly name: string
  readonly tasks: readonly TaskDefinition[]
  readonly trigger?: { readonly upload: string }
  /** When it starts by itself, and with which parameters. */
  readonly schedule?: ScheduleDefinition
  /** How many there are of each resource that tasks use. */
  readonly resources?: Resources
  /** The URL of the module that workers import. JSON does not show it. */
  readonly module?: string
}
