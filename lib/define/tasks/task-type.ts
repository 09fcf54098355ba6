/** The type of a task: its data, and the methods that add steps to it. */

import type { BatchContext, RowBatch, RowContext, RowOf } from '../columns/row-types.ts'
import type { Columns, SqlStep, SqlValue, TaskFields, unknownOutputColumns } from '../definition.ts'
import type { DistinctOptions, ExchangeOptions, ReduceOptions } from '../steps/exchange.ts'
import type { Measures } from '../steps/exchange-definition.ts'
import type { ReducedRow } from '../steps/measures.ts'
import type { SqlOptions } from '../steps/sql.ts'
import type { ExactColumns, MapOptions, MappedBatch, MappedRow, RowAfterStep } from '../steps/steps.ts'
import type { ParamMethods } from './requirement-definition.ts'
import type { AnyTaskOptions } from './task-options.ts'

/**
 * A task: frozen data, with methods that return the same task with one more step. `Row` is the type of its rows after the last
 * step, `Values` that of its parameters, `State` that of what `setup` returns, and `Uses` names the columns that its output uses.
 */
export interface Task<Row = Unchecked, Values = Unchecked, State = Unchecked, Uses extends string = Unchecked>
  extends TaskFields,
    ParamMethods<Values, Row> {
  /** A column of `partitionBy` or `sortBy` that the rows do not have makes this task no `TaskDefinition`. */
  readonly [unknownOutputColumns]?: UnknownColumns<Uses, Row>

  /**
   * Adds a step in SQL. Its type argument names the columns that it adds, for the steps after it.
   * @example
   * task({ … }).sql<{ state: string | null }>`select i.*, a.state from input i left join airports a on a.iata = i.origin`
   * @example
   * task({ … }).sql(({ carrier }) => sql`select * from input where carrier = ${carrier}`)
   */
  readonly sql: SqlMethod<Row, Values, State, Uses>

  /**
   * Adds a step that calls a function for each row. The function returns an object with the columns that change and all of
   * `adds`, a list of such objects, or null to drop the row. Columns that it does not return stay as they are. Only the
   * columns that the function touches are read. `context.reject(reason)` makes the record a reject.
   * @example
   * task({ … }).mapRows(row => ({ season: season(row.date) }), { adds: { season: column.string() } })
   * @example
   * task({ … }).mapRows((row, context) => (row.delay < -60 ? context.reject('left too early') : row))
   */
  mapRows<const Adds extends Columns = NoColumns, Result extends MappedRow<Row, Adds> = MappedRow<Row, Adds>>(
    map: (
      row: Row,
      context: RowContext<Values, State>,
    ) => ExactColumns<Result, keyof Row | keyof Adds> | readonly ExactColumns<Result, keyof Row | keyof Adds>[] | null,
    options?: MapOptions<Adds>,
  ): Task<RowAfterStep<Row, RowOf<Adds>>, Values, State, Uses>

  /**
   * Adds a step that calls a function for many rows at once: columns in, columns out. The function returns all columns of
   * `adds`; others pass through. A column is read when it is first used. `context.reject(reason, { row })` makes the record of
   * one row, by its 0-based index in the batch, a reject.
   * @example
   * task({ … }).mapBatches(({ columns }) => ({ late: columns.delay.map(delay => delay > 15) }), { adds: { late: column.boolean() } })
   */
  mapBatches<const Adds extends Columns = NoColumns, Result extends MappedBatch<Row, Adds> = MappedBatch<Row, Adds>>(
    map: (batch: RowBatch<Row>, context: BatchContext<Values, State>) => ExactColumns<Result, keyof Row | keyof Adds>,
    options?: MapOptions<Adds>,
  ): Task<RowAfterStep<Row, RowOf<Adds>>, Values, State, Uses>

  /**
   * Brings the rows of one key together. A step of scope `bucket` after it may group, order and number the rows of a key.
   * @example
   * task({ … }).exchange({ by: ['customer'] }).sql({ scope: 'bucket' })`select customer, count(*) as n from input group by customer`
   */
  exchange<const Column extends keyof Row & string>(options: ExchangeOptions<Column>): Task<Row, Values, State, Uses>

  /**
   * Makes one row of the rows of each key: the columns of the key, and its measures. What can be combined is combined in every worker
   * before rows are moved.
   * @example
   * task({ … }).reduce({ by: ['origin'], measures: { flights: count(), delay: sum('delay') } })
   */
  reduce<const Column extends keyof Row & string, const M extends MeasuresOf<Row>>(
    options: ReduceOptions<Column, M>,
  ): Task<ReducedRow<Row, Column, M>, Values, State, Uses>

  /**
   * Keeps one row of each key: the one with the greatest value in `latest`.
   * @example
   * task({ … }).distinct({ by: ['id'], latest: 'updated_at' })
   */
  distinct<const Column extends keyof Row & string, const Latest extends keyof Row & string = Column>(
    options: DistinctOptions<Column, Latest>,
  ): Task<Row, Values, State, Uses>

  /**
   * Returns the task with other options and the same steps. The new options are checked like the first.
   * @example flights.with({ rejects: { max: '0.5%' } })
   */
  with(changes: Partial<AnyTaskOptions>): Task<Row, Values, State, never>
}

/** The `sql` method of a task: a template, options before a template, or a function of the parameters that returns one. */
export interface SqlMethod<Row, Values, State, Uses extends string> {
  <Adds = unknown>(
    texts: TemplateStringsArray,
    ...values: SqlValue[]
  ): Task<RowAfterStep<Row, Adds>, Values, State, Uses>
  <Adds = unknown>(build: (params: Values) => SqlStep): Task<RowAfterStep<Row, Adds>, Values, State, Uses>
  <Adds = unknown>(
    options: SqlOptions,
  ): (texts: TemplateStringsArray, ...values: SqlValue[]) => Task<RowAfterStep<Row, Adds>, Values, State, Uses>
}

/** The arguments of `Task` that stand for any task. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked, because nothing is known of any task
type Unchecked = any

/** Measures over the columns of a row. */
type MeasuresOf<Row> = Measures & Readonly<Record<string, { readonly column?: keyof Row & string }>>

type NoColumns = Readonly<Record<never, never>>

/** The names in `Uses` that no column has, compared without case; undefined when there are none, or when not all columns are known. */
type UnknownColumns<Uses extends string, Row> = string extends keyof Row | Uses
  ? undefined
  : [Exclude<Lowercase<Uses>, Lowercase<keyof Row & string>>] extends [never]
    ? undefined
    : NoSuchColumn<Exclude<Lowercase<Uses>, Lowercase<keyof Row & string>>, keyof Row>

/** Shown by the compiler when `partitionBy` or `sortBy` names a column that the rows do not have. */
export interface NoSuchColumn<Name, Columns> {
  readonly name: Name
  readonly columns: Columns
}
