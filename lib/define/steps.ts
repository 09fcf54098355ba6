/** The builders of steps in TypeScript, `mapRows` and `mapBatches`. */
import * as v from 'valibot'
import { check, options } from './check.ts'
import type { Columns, MapBatchesStep, MapRowsStep, Params } from './definition.ts'
import { frozen } from './freeze.ts'
import type { AnyRow, BatchContext, CellOf, ParamValuesOf, RowBatch, RowContext, RowOf } from './row-types.ts'
import { addedColumns, anyFunction, oneOf } from './schemas.ts'

declare const adding: unique symbol
declare const mappingRows: unique symbol
declare const mappingBatches: unique symbol

/** Carries, for the compiler only, the columns that a step adds. */
export interface AddsColumns<out Adds> {
  readonly [adding]?: Adds
}

/** The function's own type stands under a name of its own, so that the compiler infers rows from the right kind of step. */
export interface MapRows<in Row = never, in Values = never, in State = never, out Adds = unknown>
  extends MapRowsStep,
    AddsColumns<Adds> {
  readonly [mappingRows]?: (row: Row, context: RowContext<Values, State>) => unknown
}

export interface MapBatches<in Row = never, in Values = never, in State = never, out Adds = unknown>
  extends MapBatchesStep,
    AddsColumns<Adds> {
  readonly [mappingBatches]?: (batch: RowBatch<Row>, context: BatchContext<Values, State>) => unknown
}

/** What a `mapRows` function returns: the columns that change, and all that it adds. */
export type MappedRow<Row, Adds extends Columns> = Partial<Omit<Row, keyof Adds>> & RowOf<Adds>

/** What a `mapBatches` function returns: every column that it adds, with as many values as there are rows. */
export type MappedBatch<Adds extends Columns> = { readonly [Name in keyof Adds]: readonly CellOf<Adds[Name]>[] }

export interface MapOptions<Adds extends Columns> {
  /** Columns that the function adds, or gives another type; others pass through. Default none. */
  readonly adds?: Adds
  /**
   * What happens when the function throws, or gives a value that its column cannot hold: `fail` ends the run with
   * TRANSFORM_FAILED, `reject` rejects the record of the row. A result of the wrong shape (no object, a column that is not in
   * `adds`) always ends the run. A batch that fails is tried again row by row, to find the rows. Default `fail`.
   */
  readonly onError?: 'fail' | 'reject'
}

type None = Record<never, never>

/**
 * A function for each row: mapRows(row => ({ season: season(row.date) }), { adds: { season: column.string() } }).
 * It returns an object, a list of objects, or null to drop the row; columns that it does not return stay as they are.
 * `context.reject(reason)` makes the record a reject: mapRows((row, context) => (row.delay < -60 ? context.reject('left too early') : row)).
 */
export function mapRows<
  Row = AnyRow,
  Values = ParamValuesOf<Params>,
  // biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where the compiler cannot know what setup returned
  State = any,
  const Adds extends Columns = None,
>(
  map: (
    row: Row,
    context: RowContext<Values, State>,
  ) => MappedRow<Row, NoInfer<Adds>> | readonly MappedRow<Row, NoInfer<Adds>>[] | null,
  given: MapOptions<Adds> = {},
): MapRows<Row, Values, State, RowOf<Adds>> {
  check('mapRows: map', anyFunction, map)
  const { adds = {}, onError = 'fail' } = check('mapRows', mapOptions, given)
  return frozen({ kind: 'mapRows', map, adds, ...(onError === 'reject' && { onError }) })
}

/**
 * A function for many rows at once, columns in and columns out: mapBatches(({ columns }) => ({ late: columns.delay.map(isLate) }), { adds: { late: column.boolean() } }).
 * It returns the columns of `adds`; others pass through. Columns are read when they are first asked for.
 * `context.reject(reason, { row })` makes the record of one row, by its index in the batch, a reject.
 */
export function mapBatches<
  Row = AnyRow,
  Values = ParamValuesOf<Params>,
  // biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where the compiler cannot know what setup returned
  State = any,
  const Adds extends Columns = None,
>(
  map: (batch: RowBatch<Row>, context: BatchContext<Values, State>) => MappedBatch<NoInfer<Adds>>,
  given: MapOptions<Adds> = {},
): MapBatches<Row, Values, State, RowOf<Adds>> {
  check('mapBatches: map', anyFunction, map)
  const { adds = {}, onError = 'fail' } = check('mapBatches', mapOptions, given)
  return frozen({ kind: 'mapBatches', map, adds, ...(onError === 'reject' && { onError }) })
}

const mapOptions = options({ adds: v.optional(addedColumns), onError: v.optional(oneOf(['fail', 'reject'])) })
