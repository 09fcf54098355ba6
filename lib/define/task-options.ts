/** The options of a task, typed by its columns and parameters. */
import type {
  Columns,
  Output,
  Params,
  RejectLimit,
  RowCheck,
  SecretDefinition,
  Source,
  SqlStep,
  StepOf,
  TableDefinition,
  TaskDefinition,
} from './definition.ts'
import type { ParamValuesOf, RowOf, SetupContext } from './row-types.ts'
import type { Sql } from './sql.ts'
import type { MapBatches, MapRows } from './steps.ts'

export interface TaskOptions<C extends Columns, P extends Params, State> extends CommonTaskOptions {
  readonly params?: P
  /** The columns that are read, with their types; others are ignored. */
  readonly columns?: C
  /** One step or a list, in order. A step given after the options instead is typed by the steps before it. */
  readonly transform?: TypedStepOf<RowOf<C>, P, State, unknown> | readonly TypedStepOf<RowOf<C>, P, State, unknown>[]
  /** A condition on the read rows: sql`delay is not null`. */
  readonly where?: SqlStep | ((params: ParamValuesOf<P>) => SqlStep)
  /** Runs once in each worker; what it returns is `context.state`. */
  readonly setup?: (context: SetupContext<ParamValuesOf<P>>) => State | Promise<State>
}

/** The options of any task, for `.with`. */
export interface AnyTaskOptions extends CommonTaskOptions {
  readonly params?: Params
  readonly columns?: Columns
  readonly transform?: StepOf | readonly StepOf[]
  readonly where?: TaskDefinition['where']
  readonly setup?: TaskDefinition['setup']
}

export type TypedStep<Row, P extends Params, State, Adds> =
  | Sql<Adds>
  | MapRows<Row, ParamValuesOf<P>, State, Adds>
  | MapBatches<Row, ParamValuesOf<P>, State, Adds>

/** A step, or a function of the frozen parameters that gives one. */
export type TypedStepOf<Row, P extends Params, State, Adds> =
  | TypedStep<Row, P, State, Adds>
  | ((params: ParamValuesOf<P>) => TypedStep<Row, P, State, Adds>)

/** The rows after a step; columns that a `sql` adds without saying so are there, as unknown. */
export type RowAfterStep<Row, Adds> = [Adds] extends [never]
  ? Row & Readonly<Record<string, unknown>>
  : unknown extends Adds
    ? Row & Readonly<Record<string, unknown>>
    : Omit<Row, keyof Adds> & Adds

interface CommonTaskOptions {
  /** Lower case letters, digits and hyphens. */
  readonly name: string
  readonly doc?: string
  readonly source: Source
  /** Broadcast tables, by the name that `sql` knows them by. */
  readonly tables?: Readonly<Record<string, TableDefinition>>
  readonly output: Output
  /**
   * Conditions on the rows as they are read, before any step: `checks: [{ that: sql`amount >= 0`, reason: 'amount is negative' }]`.
   * A row for which one is false is a reject with its reason; null passes, as in SQL's CHECK.
   */
  readonly checks?: readonly RowCheck[]
  /** How many rejected rows a run may have; default none. */
  readonly rejects?: RejectLimit
  /** Lossy conversions are rejects; default true. */
  readonly strict?: boolean
  /** Columns of the input that `columns` does not name: in a header, a Parquet file, or a row of JSON lines. `keep` collects them as texts in the map column `_new`. Default `ignore`. */
  readonly onNewColumn?: TaskDefinition['onNewColumn']
  /**
   * Columns that a header or a Parquet file does not have; default `fail`. A row of JSON lines may leave keys out, which are
   * null: there it is always `null`, and `required: true` makes such rows rejects.
   */
  readonly onMissingColumn?: TaskDefinition['onMissingColumn']
  /** No input at all; default `fail`. */
  readonly onEmpty?: TaskDefinition['onEmpty']
  /**
   * Adds columns: of the row's place `_archive`, `_member` and `_line`; of its run `_run` (the id) and `_loaded_at` (when it began,
   * `timestamptz`, the same in all batches and when the run is resumed). Default none.
   */
  readonly provenance?: TaskDefinition['provenance']
  /** What functions find in `context.secrets`: `{ api: secret('weather/api-key') }`. */
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
  /** Stands in place of the code hash: change it to run again. */
  readonly version?: string
}
