/** The types of rows, values and contexts, as they follow from columns and parameters. */
import type { ColumnDefinition, Columns, ParamDefinition, Params } from './definition.ts'
import type { ProvenanceColumn } from './provenance.ts'

/** The values of a column that is not null. */
export type ValueOf<Column extends ColumnDefinition> = Column extends { type: 'list'; items: infer Items }
  ? Items extends ColumnDefinition
    ? readonly CellOf<Items>[]
    : never
  : ValueOfType[Column['type']]

/** The values of a column: null as well, unless it is required. */
export type CellOf<Column extends ColumnDefinition> = Column extends { required: true }
  ? ValueOf<Column>
  : ValueOf<Column> | null

/** A row of these columns: `RowOf<typeof columns>`. */
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: CellOf<C[Name]> }

/** The rows that a task reads: its columns, those of its paths, and those about the row's origin. */
export type InputRow<
  C extends Columns,
  InPath extends string,
  Provenance extends ProvenanceColumn,
> = string extends keyof C
  ? AnyRow
  : {
      readonly [Name in keyof C | Provenance | (string extends InPath ? never : InPath)]: Name extends keyof C
        ? CellOf<C[Name]>
        : Name extends Provenance
          ? ValueOfProvenance[Name]
          : string | null
    }

/** The values of these parameters. */
export type ParamValuesOf<P extends Params> = { readonly [Name in keyof P]: ParamValueOf<P[Name]> }

/** A row whose columns the compiler does not know, because the task has no `columns`. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where nothing is known
export type AnyRow = Readonly<Record<string, any>>

export type LogFields = Readonly<Record<string, unknown>>

/** Lines of the run's log; they carry run, slice and member. */
export interface TaskLog {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** What `setup` gets, once in each worker. */
export interface SetupContext<Values> {
  readonly params: Values
  readonly log: TaskLog
  readonly secrets: Readonly<Record<string, string>>
  /** Aborted when the run stops. */
  readonly signal: AbortSignal
  /** A file by its path from the pipeline's folder; a deployment ships those that `include` names. */
  file(name: string): UserFile
}

/** Read when it is asked for, each time: keep what `setup` reads. */
export interface UserFile {
  /** Absolute, for libraries that open files themselves. */
  readonly path: string
  bytes(): Uint8Array
  text(): string
  json(): unknown
}

/** What `mapRows` and `mapBatches` functions both get. */
export interface MapContext<Values, State> extends SetupContext<Values> {
  /** Name of the member, or key of the file, that the row came from. */
  readonly member: string
  /** Key of the archive, or of the file. */
  readonly archive: string
  /** What the task's `setup` returned, made once in each worker. */
  readonly state: State
}

/** What `mapRows` functions get beside their row. */
export interface RowContext<Values, State> extends MapContext<Values, State> {
  /**
   * Rejects the record that this row comes from, by throwing a `RejectError`: nothing of the record is written, and it is a
   * reject with this reason as `expected`, counted like any other and limited by the task's `rejects`.
   * @example mapRows((row, context) => (row.amount < 0 ? context.reject('amount is negative') : row))
   */
  reject(reason: string): never
}

/** What `mapBatches` functions get beside their batch. */
export interface BatchContext<Values, State> extends MapContext<Values, State> {
  /**
   * Rejects the record of one row of the batch, and returns; the values that the function gives for this row are not used.
   * @example columns.amount.forEach((amount, row) => amount < 0 && context.reject('amount is negative', { row }))
   */
  reject(reason: string, options: { readonly row: number }): void
  /**
   * Throws a `RejectError`. As it does not say which row it means, the function is called again with each row alone, and the
   * rows for which it throws are rejects.
   */
  reject(reason: string): never
}

/** Columns of many rows: each of `rowCount` values. */
export interface RowBatch<Row> {
  readonly rowCount: number
  readonly columns: { readonly [Name in keyof Row]: readonly Row[Name][] }
}

interface ValueOfType {
  boolean: boolean
  int8: number
  int16: number
  int32: number
  int64: bigint
  uint8: number
  uint16: number
  uint32: number
  uint64: bigint
  float32: number
  float64: number
  /** As text, so that no digit is lost. */
  decimal: string
  string: string
  json: string
  /** The bytes; of texts those of UTF-8. */
  binary: Uint8Array
  /** `YYYY-MM-DD` */
  date: string
  /** `HH:MM:SS[.ffffff]` */
  time: string
  timestamp: Date
  timestamptz: Date
  list: readonly unknown[]
}

interface ValueOfProvenance {
  _archive: string
  _member: string
  _line: bigint
  _run: string
  _loaded_at: Date
}

interface ValueOfParam {
  string: string
  integer: number
  float64: number
  boolean: boolean
  date: string
  month: string
  timestamp: string
  enumeration: string
}

type ParamValueOf<P extends ParamDefinition> = P extends {
  type: 'enumeration'
  validate?: (value: infer Word) => boolean | string
}
  ? Word
  : ValueOfParam[P['type']]
