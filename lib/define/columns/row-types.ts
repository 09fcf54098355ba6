/** Types rows, values and contexts from columns and parameters. */
import type { ColumnDefinition, Columns, ParamDefinition, Params } from '../definition.ts'
import type { ValueOfType } from './column-definition.ts'
import type { ProvenanceColumn } from './provenance.ts'

/** The type of a column's values that are not null. */
export type ValueOf<Column extends ColumnDefinition> = Column extends { type: 'list'; items: infer Items }
  ? Items extends ColumnDefinition
    ? readonly CellOf<Items>[]
    : never
  : Column extends { type: 'struct'; fields: infer Fields }
    ? Fields extends Columns
      ? RowOf<Fields>
      : never
    : ValueOfType[Column['type']]

/** The type of a column's values: with null, unless it is required. */
export type CellOf<Column extends ColumnDefinition> = Column extends { required: true }
  ? ValueOf<Column>
  : ValueOf<Column> | null

/**
 * The row of these columns.
 * @example const late = (row: RowOf<typeof columns>) => row.delay > 15
 */
export type RowOf<C extends Columns> = { readonly [Name in keyof C]: CellOf<C[Name]> }

/** The rows that a task reads: its columns, or without any the rows of its source; those of its paths, and those about the row's origin. */
export type InputRow<
  C extends Columns,
  InPath extends string,
  Provenance extends ProvenanceColumn,
  SourceRow = AnyRow,
> = string extends keyof C
  ? [Provenance] extends [never]
    ? SourceRow
    : SourceRow & { readonly [Name in Provenance]: ValueOfProvenance[Name] }
  : {
      readonly [Name in keyof C | Provenance | (string extends InPath ? never : InPath)]: Name extends keyof C
        ? CellOf<C[Name]>
        : Name extends Provenance
          ? ValueOfProvenance[Name]
          : string | null
    }

/** The type of these parameters' values. */
export type ParamValuesOf<P extends Params> = { readonly [Name in keyof P]: ParamValueOf<P[Name]> }

/** A row whose columns the compiler does not know, because the task has no `columns`. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where nothing is known
export type AnyRow = Readonly<Record<string, any>>

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>

/**
 * Writes lines to the run's log, with run, slice and member.
 * @example context.log.warn('no such airport', { origin: row.origin })
 */
export interface TaskLog {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** The argument of `setup`. */
export interface SetupContext<Values> {
  /** The run's parameters. */
  readonly params: Values
  readonly log: TaskLog
  /** The values of the task's `secrets`, by their names there. */
  readonly secrets: Readonly<Record<string, string>>
  /** A signal that is aborted when the run stops. */
  readonly signal: AbortSignal
  /**
   * Returns a file by its path from the pipeline's folder. A deployment ships the files that `include` names.
   * @example const rates = context.file('models/rates.json').json()
   */
  file(name: string): UserFile
}

/** A file, which each call reads again: read it in `setup`, and keep what it returns. */
export interface UserFile {
  /** The absolute path, for libraries that open files themselves. */
  readonly path: string
  bytes(): Uint8Array
  text(): string
  json(): unknown
}

/** The context of `mapRows` and `mapBatches` functions. */
export interface MapContext<Values, State> extends SetupContext<Values> {
  /** The name of the row's member, or the key of its file. */
  readonly member: string
  /** The key of the archive, or of the file. */
  readonly archive: string
  /** The value that the task's `setup` returned in this worker. */
  readonly state: State
}

/** The context of a `mapRows` function. */
export interface RowContext<Values, State> extends MapContext<Values, State> {
  /**
   * Rejects the record of this row, by throwing a `RejectError`. Nothing of the record is written. The reject has this reason as
   * `expected`, and counts against the task's `rejects` like any other.
   * @example task({ … }).mapRows((row, context) => (row.amount < 0 ? context.reject('amount is negative') : row))
   */
  reject(reason: string): never
}

/** The context of a `mapBatches` function. */
export interface BatchContext<Values, State> extends MapContext<Values, State> {
  /**
   * Rejects the record of one row of the batch, by its 0-based index, and returns. The values that the function returns for this
   * row are not used.
   * @example columns.amount.forEach((amount, row) => amount < 0 && context.reject('amount is negative', { row }))
   */
  reject(reason: string, options: { readonly row: number }): void
  /** Throws a `RejectError`. It names no row, so the function is called again with each row alone; rows for which it throws are rejects. */
  reject(reason: string): never
}

/** The columns of many rows. Each column has `rowCount` values. */
export interface RowBatch<Row> {
  readonly rowCount: number
  readonly columns: { readonly [Name in keyof Row]: readonly Row[Name][] }
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
