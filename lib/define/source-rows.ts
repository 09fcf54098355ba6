/** Types the rows of sources that read what another task wrote. */
import type { AnyRow } from './row-types.ts'
import type { Task } from './task-type.ts'

declare const sourceRows: unique symbol

/** Carries the type of a source's rows, for tasks without `columns`. */
export interface SourceRows<out Row> {
  readonly [sourceRows]?: Row
}

/** The rows that a task writes; unchecked for the dataset of another pipeline. */
export type RowOfTask<Upstream> =
  Upstream extends Task<infer Row, infer _Values, infer _State, infer _Uses> ? Row : AnyRow

/** The rows of which these columns are read. */
export type ReadRow<Row, Column extends keyof Row> = keyof Row & string extends Column
  ? Row
  : { readonly [Name in Column]: Row[Name] }
