/** Builds the steps that call functions, as data, and types what these functions take and return. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { CellOf, RowOf } from '../columns/row-types.ts'
import type { Columns, MapBatchesStep, MapRowsStep } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { addedColumns, anyFunction, oneOf } from '../schemas.ts'

/** The options of `mapRows` and `mapBatches`. */
export interface MapOptions<Adds extends Columns> {
  /**
   * The columns that the function adds, or to which it gives another type. Other columns pass through. Default none.
   * @example adds: { season: column.string() }
   */
  readonly adds?: Adds
  /**
   * The effect when the function throws, or returns a value that its column cannot hold. `fail` ends the run with
   * TRANSFORM_FAILED; `reject` rejects the record of the row. A result of the wrong shape (no object, or a column that is
   * not in `adds`) always ends the run. A batch that fails is tried again row by row, to find the rows. Default `fail`.
   * @example onError: 'reject'
   */
  readonly onError?: 'fail' | 'reject'
}

/** The columns that a `mapRows` function returns: those that change, and all of `adds`. */
export type MappedRow<Row, Adds extends Columns> = Partial<Omit<Row, keyof Adds>> & RowOf<Adds>

/** The columns that a `mapBatches` function returns: all of `adds`, and others only as they were. Each has a value for every row. */
export type MappedBatch<Row, Adds extends Columns> = {
  readonly [Name in keyof Row as Name extends keyof Adds ? never : Name]?: readonly Row[Name][]
} & { readonly [Name in keyof Adds]: readonly CellOf<Adds[Name]>[] }

/** The type of a returned column that is neither a column of the row nor in `adds`: no value has it. */
export interface NotInAdds<Name> {
  readonly notInAdds: Name
}

/** A result without columns that are neither known nor added. */
export type ExactColumns<Result, Known extends PropertyKey> = Result & {
  readonly [Name in Exclude<keyof Result, Known>]: NotInAdds<Name>
}

/** The rows after a step. Columns that SQL adds without naming them in its type can be read as `unknown`. */
export type RowAfterStep<Row, Adds> = unknown extends Adds
  ? Row & Readonly<Record<string, unknown>>
  : string extends keyof Row
    ? { readonly [Name in keyof Row as Name extends keyof Adds ? never : Name]: Row[Name] } & Readonly<Adds>
    : { readonly [Name in keyof Row | keyof Adds]: Name extends keyof Adds ? Adds[Name] : Row[Name & keyof Row] }

/** Returns the step that calls `map` for each row. */
export function mapRows(map: MapRowsStep['map'], given: MapOptions<Columns> = {}): MapRowsStep {
  return frozen({ kind: 'mapRows', ...mapFields('mapRows', map, given) })
}

/** Returns the step that calls `map` for each batch of rows. */
export function mapBatches(map: MapBatchesStep['map'], given: MapOptions<Columns> = {}): MapBatchesStep {
  return frozen({ kind: 'mapBatches', ...mapFields('mapBatches', map, given) })
}

function mapFields<Map>(subject: string, map: Map, given: MapOptions<Columns>) {
  check(`${subject}: map`, anyFunction, map)
  const { adds = {}, onError } = check(subject, mapOptions, given)
  return { map, adds, onError: onError === 'reject' ? onError : undefined }
}

const mapOptions = options({ adds: v.optional(addedColumns), onError: v.optional(oneOf(['fail', 'reject'])) })
