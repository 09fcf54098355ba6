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

/** The values of a task's parameters; none for the dataset of another pipeline. */
export type ValuesOfTask<Upstream> =
  Upstream extends Task<infer _Row, infer Values, infer _State, infer _Uses> ? Values : Readonly<Record<never, never>>

/** The names of a task's parameters. */
export type ParamOfTask<Upstream> = keyof ValuesOfTask<Upstream> & string

/** The rows with the values of these parameters. */
export type WithParams<Row, Values, Param extends keyof Values> = [Param] extends [never]
  ? Row
  : Row & { readonly [Name in Param]: Values[Name] }
