/** The rows that a task reads of another one. */
import type { AnyRow } from '../columns/row-types.ts'
import type { Task } from '../tasks/task-type.ts'
import type { SourceRows } from './source-rows.ts'

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

declare const requiredKey: unique symbol

/** Stands for the rows of what a task requires under a key, until the task is known. */
export interface RowsOfKey<Key extends string, Column extends string, Param extends string> {
  readonly [requiredKey]: readonly [Key, Column, Param]
}

/** The rows of a source in a task with these requirements; unchecked where the compiler does not know the task of a key. */
export type RowOfSource<SourceRow, Required> =
  SourceRow extends RowsOfKey<infer Key, infer Column, infer Param>
    ? Key extends keyof Required
      ? KeyedRow<RowOfRequired<Required[Key]>, Column, Param>
      : AnyRow
    : SourceRow

type RowOfRequired<Requirement> = Requirement extends readonly (infer One)[]
  ? RowOfRequired<One>
  : Requirement extends SourceRows<infer Row>
    ? unknown extends Row
      ? RowOfTask<Requirement>
      : Row
    : RowOfTask<Requirement>

type KeyedRow<Row, Column extends string, Param extends string> = WithParams<
  string extends Column ? Row : ReadRow<Row, Column & keyof Row>,
  AnyRow,
  Param
>
