/** The shapes of a definition: frozen, JSON-printable data, plus the user's functions that stay in the module. */
import type { ProvenanceColumn } from './provenance.ts'

export type ScalarType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'json'
  | 'binary'

/** How one column's text is read. */
export interface ColumnDefinition {
  readonly kind: 'column'
  readonly type: ScalarType | 'decimal' | 'list'
  /** Decimal only: total digits, 1 to 38. */
  readonly precision?: number
  /** Decimal only: digits after the point. */
  readonly scale?: number
  /** List only: read from a JSON array. */
  readonly items?: ColumnDefinition
  /** A null in a required column is a reject; default false. The column is optional in Parquet all the same, as the engine writes no other. */
  readonly required?: boolean
  /** strptime format of a date, time or timestamp; default ISO 8601. */
  readonly format?: string
  /** Texts read as null, besides those of the format. */
  readonly nullValues?: readonly string[]
  readonly doc?: string
}

export type Columns = Readonly<Record<string, ColumnDefinition>>

export type ParamType = 'string' | 'integer' | 'float64' | 'boolean' | 'date' | 'month' | 'timestamp' | 'enumeration'
export type ParamValue = string | number | boolean

/** One parameter: its text form (command line, path) and its value (date, month and timestamp stay ISO strings). */
export interface ParamDefinition {
  readonly kind: 'param'
  readonly type: ParamType
  readonly default?: ParamValue
  readonly values?: readonly string[]
  readonly doc?: string
  readonly validate?: (value: never) => boolean | string
}

export type Params = Readonly<Record<string, ParamDefinition>>
export type ParamValues = Readonly<Record<string, ParamValue>>

/** How the bytes of a text stand for characters; `windows-1252` as the WHATWG encoding standard defines it. */
export type TextEncoding = 'utf-8' | 'windows-1252'

export interface CsvFormat {
  readonly kind: 'csv'
  /** One to four bytes; default a comma. */
  readonly delimiter: string
  /** One character, or empty for none; default a double quote. */
  readonly quote: string
  /** One character; default the quote itself. */
  readonly escape: string
  /** Whether the first record names the columns; without it columns are read by position. Default true. */
  readonly header: boolean
  /** Lines that begin with this character are not records; default none. */
  readonly comment?: string
  /** Unquoted texts read as null; default only the empty field. A quoted empty field is an empty string. */
  readonly nullValues: readonly string[]
  /** Lines before the header to pass over; default 0. */
  readonly skip: number
  readonly encoding: TextEncoding
}

export interface JsonLinesFormat {
  readonly kind: 'jsonLines'
  /** Default UTF-8. */
  readonly encoding?: TextEncoding
}

export interface LinesFormat {
  readonly kind: 'lines'
  /** Source of a regular expression (RE2 syntax) that must match a whole line; its named groups are the columns. */
  readonly pattern: string
  /** Default UTF-8. */
  readonly encoding?: TextEncoding
}

export interface ParquetFormat {
  readonly kind: 'parquet'
}

export type Format = CsvFormat | JsonLinesFormat | LinesFormat | ParquetFormat

export interface ZipMembersSource {
  readonly kind: 'zipMembers'
  /** Path template under the input root, with `{param}` placeholders and glob stars. */
  readonly paths: string
  /** Glob over member names; default every member. */
  readonly members: string
  readonly format?: Format
  /** What to do with a member that cannot be read: default `fail`. */
  readonly onBadMember: 'fail' | 'skip'
  /** Folders `name=value` in an archive's path are columns; absent means true. */
  readonly hive?: boolean
  readonly limits: ZipLimits
}

/** Caps against hostile archives; attackers write the declared sizes. */
export interface ZipLimits {
  /** Inflated bytes of one member. */
  readonly memberBytesMax: number
  /** Inflated bytes of all selected members of an archive. */
  readonly archiveBytesMax: number
  /** Inflated over compressed, for members above a floor of 1 MiB inflated. */
  readonly ratioMax: number
  readonly memberCountMax: number
  /** Bytes of a member's name. */
  readonly nameBytesMax: number
}

export interface FilesSource {
  readonly kind: 'files'
  /** Path template under the input root. Names ending in .gz or .zst are inflated. */
  readonly paths: string
  readonly format?: Format
  /** Folders `name=value` in a file's path are columns; absent means true. */
  readonly hive?: boolean
}

export type Source = ZipMembersSource | FilesSource

/** SQL with its bound values: `texts` has one element more than `values`. */
export interface SqlStep {
  readonly kind: 'sql'
  readonly texts: readonly string[]
  readonly values: readonly SqlValue[]
  readonly scope: 'row'
  /** Set where the step is a task's `where`, for messages. */
  readonly clause?: 'where'
}

export type SqlValue = string | number | bigint | boolean | null | readonly string[] | readonly number[]

export interface MapRowsStep {
  readonly kind: 'mapRows'
  readonly map: (row: never, context: never) => unknown
  /** Columns that the function adds, or gives another type. Others pass through. */
  readonly adds: Columns
  /** Set where rows on which the function fails are rejects. */
  readonly onError?: 'reject'
}

export interface MapBatchesStep {
  readonly kind: 'mapBatches'
  readonly map: (batch: never, context: never) => unknown
  readonly adds: Columns
  /** Set where rows on which the function fails are rejects. */
  readonly onError?: 'reject'
}

export type Step = SqlStep | MapRowsStep | MapBatchesStep
/** A step, or a function of the parameters that returns one. */
export type StepDefinition = Step | ((params: never) => Step)

/** A broadcast table: small, read whole, once a worker. */
export interface TableDefinition {
  readonly kind: 'table'
  /** Path template under the input root. */
  readonly path: string
  readonly format: Format
  /** Types of its columns; default as the engine finds them. */
  readonly columns?: Columns
}

/** A value that only the task's functions get to see. */
export interface SecretDefinition {
  readonly kind: 'secret'
  readonly name: string
}

export interface ParquetOutput {
  readonly kind: 'parquet'
  /** Path template under the output root, with `{task}`, `{salt}` and `{param}`. */
  readonly path: string
  /** Columns whose values become folders; their names begin with neither `_` nor `.`, which readers take for hidden. */
  readonly partitionBy: readonly string[]
  readonly sortBy: readonly string[]
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'uncompressed'
  /** Parts come near this many bytes and are not a quarter larger, but that they have at least 2,048 rows; default 128 MiB. */
  readonly partBytes: number
  readonly rowGroupRows: number
  /** Bloom filters of columns whose values fit into a dictionary of 10,000 a row group; default true. */
  readonly bloomFilters: boolean
  readonly mode: OutputMode
  readonly salted: boolean
  /** More partitions than this fail the run: TOO_MANY_PARTITIONS; default 1,000. */
  readonly partitionsMax: number
}

export type OutputMode = 'replace' | 'fail' | 'replacePartitions' | 'append'

/** The members themselves, extracted below a path. */
export interface MemberFilesOutput {
  readonly kind: 'memberFiles'
  readonly path: string
  readonly mode: OutputMode
}

export type Output = ParquetOutput | MemberFilesOutput

export interface RejectLimit {
  /** A count of rows, or a share of the records such as `0.5%`; default 0. */
  readonly max: number | `${number}%`
}

/** A condition on the rows that were read; those for which it is false are rejects with this reason. */
export interface RowCheck {
  readonly that: SqlStep
  readonly reason: string
}

/** Marks, for the compiler only, a task whose output names columns that its rows do not have. */
export declare const unknownOutputColumns: unique symbol

/** A task whose output uses no unknown column, as pipelines and runs take it. */
export interface TaskDefinition extends TaskFields {
  readonly [unknownOutputColumns]?: undefined
}

export interface TaskFields {
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
  /** Default none. */
  readonly checks?: readonly RowCheck[]
  readonly rejects: RejectLimit
  /** Lossy conversions are rejects; default true. */
  readonly strict: boolean
  readonly onNewColumn: 'ignore' | 'fail' | 'keep'
  readonly onMissingColumn: 'fail' | 'null'
  readonly onEmpty: 'fail' | 'succeed'
  /** Adds columns of the row's place, `_archive`, `_member` and `_line`, and of its run, `_run` and `_loaded_at`. */
  readonly provenance: readonly ProvenanceColumn[]
  /** Runs once in each worker; what it returns is `context.state`. */
  readonly setup?: (context: never) => unknown
  /** Their values are in `context.secrets`; default none. */
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
  /** Stands in place of the code hash. */
  readonly version?: string
}

export interface PipelineDefinition {
  readonly kind: 'pipeline'
  readonly name: string
  readonly tasks: readonly TaskDefinition[]
  readonly trigger?: { readonly upload: string }
  /** URL of the module that workers import; not seen by JSON. */
  readonly module?: string
}
