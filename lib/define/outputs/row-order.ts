/** The data of a global order. */

/** The order of all rows of a dataset. Nulls are last, NaN is greater than other numbers, and texts are compared by their bytes. */
export interface RowOrder {
  readonly columns: readonly string[]
  /** Those of the columns whose greatest values are first. */
  readonly descending: readonly string[]
}
