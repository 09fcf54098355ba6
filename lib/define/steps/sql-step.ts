/** The data of SQL in a definition: a statement or a condition, with its bound values. */

/** SQL with its bound values: `texts` has one element more than `values`. */
export interface SqlStep {
  readonly kind: 'sql'
  readonly texts: readonly string[]
  readonly values: readonly SqlValue[]
  /**
   * The rows that a statement sees. `row`: each row on its own. `bucket`: all rows of a key together, after an exchange by that key. `any-slice`: the
   * rows of a slice, whichever these are.
   */
  readonly scope: 'row' | 'bucket' | 'any-slice'
  /** Set when the step is a task's `where`; messages name it. */
  readonly clause?: 'where'
}

/** A value that SQL can bind. */
export type SqlValue = string | number | bigint | boolean | null | readonly string[] | readonly number[]
