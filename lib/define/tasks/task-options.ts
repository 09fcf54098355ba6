/** The options of a task, typed by its columns and parameters. */

import type { PathColumns } from '../columns/path-columns.ts'
import type { ProvenanceColumn } from '../columns/provenance.ts'
import type { ParamValuesOf, SetupContext } from '../columns/row-types.ts'
import type {
  Columns,
  Params,
  RejectLimit,
  RowCheck,
  SecretDefinition,
  Source,
  SqlStep,
  TableDefinition,
  TaskDefinition,
} from '../definition.ts'
import type { UsedColumns } from '../outputs/output.ts'
import type { Output } from '../outputs/output-definition.ts'
import type { SourceRows } from '../sources/source-rows.ts'
import type { DiscoverContext, GraphOptions, Requirements } from './requirement-definition.ts'

/** The options of `task`. */
export interface TaskOptions<
  C extends Columns,
  P extends Params,
  State,
  InPath extends string,
  Provenance extends ProvenanceColumn,
  Uses extends string,
  SourceRow,
  Required extends Requirements = Requirements,
> extends AnyTaskOptions {
  readonly params?: P
  readonly source: Source & PathColumns<InPath> & SourceRows<SourceRow>
  readonly columns?: C
  readonly where?: SqlStep | ((params: ParamValuesOf<P>) => SqlStep)
  readonly setup?: (context: SetupContext<ParamValuesOf<P>>) => State | Promise<State>
  readonly provenance?: readonly Provenance[]
  readonly output: Output & UsedColumns<Uses>
  readonly requires?: Required | ((params: ParamValuesOf<P>) => Requirements)
  readonly discover?: (params: ParamValuesOf<P>, context: DiscoverContext) => Requirements | Promise<Requirements>
}

/** The options of a task whose columns and parameters the compiler does not know, for `.with`. Where it knows them, `TaskOptions`. */
export interface AnyTaskOptions extends GraphOptions {
  /**
   * The task's name: lower case letters, digits and hyphens. It is `{task}` in paths. Required.
   * @example name: 'flights'
   */
  readonly name: string
  /**
   * A description for people. Default none.
   * @example doc: 'Flights by state and season'
   */
  readonly doc?: string
  /**
   * The parameters by name. Each must be in the output's path, or the path must have `{salt}`. Default none.
   * @example params: { month: param.month() }
   */
  readonly params?: Params
  /**
   * The source of the rows: `zipMembers`, `files`, `rowsFrom`, `items`, `partitionsOf` or `deltaTable`. Required.
   * @example source: files({ paths: 'incoming/*.csv', format: csv() })
   */
  readonly source: Source
  /**
   * The columns that are read, with their types; other columns are ignored. Without it, columns and types are those of the
   * header or of the Parquet file, and the compiler does not know them.
   * @example columns: { date: column.date({ required: true }), delay: column.int32() }
   */
  readonly columns?: Columns
  /**
   * Small tables that every worker reads whole, by the name that SQL knows them by. Default none.
   * @example tables: { airports: table('reference/airports.csv', csv()) }
   */
  readonly tables?: Readonly<Record<string, TableDefinition>>
  /**
   * A condition on the rows as they are read. Rows for which it is not true are filtered. Default every row.
   * @example where: sql`delay is not null`
   * @example where: ({ carrier }) => sql`carrier = ${carrier}`
   */
  readonly where?: TaskDefinition['where']
  /**
   * Conditions on the rows as they are read, before any step. A row for which one is false is a reject with its reason; null
   * passes, as in SQL's CHECK. Default none.
   * @example checks: [{ that: sql`amount >= 0`, reason: 'amount is negative' }]
   */
  readonly checks?: readonly RowCheck[]
  /**
   * How many rejected rows a run may have, as a count of rows or a share of the records. With more, the run fails. Default 0.
   * @example rejects: { max: '0.5%' }
   */
  readonly rejects?: RejectLimit
  /**
   * Whether a value that its type cannot hold without loss makes the row a reject: `1.5` as an integer, a date that does not
   * exist. With `false`, the engine's own conversions apply. Default true.
   */
  readonly strict?: boolean
  /**
   * The treatment of columns of the input that `columns` does not name: in a header, a Parquet file, or a row of JSON lines.
   * `ignore` leaves them out, `fail` fails the run, `keep` collects them as texts in the map column `_new`. Default `ignore`.
   * @example onNewColumn: 'keep'
   */
  readonly onNewColumn?: TaskDefinition['onNewColumn']
  /**
   * The effect when a header or a Parquet file lacks a column of `columns`: `fail` fails the run, `null` reads nulls.
   * Default `fail`. A row of JSON lines may leave keys out, so there it is always `null`; with `required: true` such rows are
   * rejects.
   * @example onMissingColumn: 'null'
   */
  readonly onMissingColumn?: TaskDefinition['onMissingColumn']
  /**
   * The effect when there is no input at all. Default `fail`.
   * @example onEmpty: 'succeed'
   */
  readonly onEmpty?: TaskDefinition['onEmpty']
  /**
   * Adds columns about the row's origin. `_archive`, `_member` and `_line` (1-based) say where it stands; `_run` is the id of
   * its run, and `_loaded_at` when that run began (`timestamptz`, the same in all batches, also when the run is resumed).
   * Default none.
   * @example provenance: ['_member', '_line']
   */
  readonly provenance?: TaskDefinition['provenance']
  /**
   * Runs once in each worker. What it returns is `context.state` in the functions of the steps. Default none.
   * @example setup: async ({ file }) => ({ rates: file('rates.json').json() })
   */
  readonly setup?: TaskDefinition['setup']
  /**
   * Secrets that functions find in `context.secrets`. Default none.
   * @example secrets: { api: secret('weather/api-key') }
   */
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
  /**
   * The output of the rows: `parquet`, `temporary`, `sink` or `memberFiles`. Required.
   * @example output: parquet({ path: '{task}', partitionBy: ['state'] })
   */
  readonly output: Output
}
