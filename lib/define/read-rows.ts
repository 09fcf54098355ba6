/** The rows that a task reads of another one. */
import type { AnyRow } from './row-types.ts'
import type { Task } from './task-type.ts'

/** The rows that a task writes; unchecked for the dataset of another pipeline. */
export type RowOfTask<Upstream> =
  Upstream extends Task<infer Row, infer _Values, infer _State, infer _Uses> ? Row : AnyRow

/** The rows of which these columns are read. */
export type ReadRow<Row, Column extends keyof Row> = keyof Row & string extends Column
  ? Row
  : { readonly [Name in Column]: Row[Name] }
