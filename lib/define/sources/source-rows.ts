/** Types the rows of sources that read what tasks wrote. */

declare const sourceRows: unique symbol

/** Carries the type of a source's rows for the compiler only, for tasks without `columns`. */
export interface SourceRows<out Row> {
  readonly [sourceRows]?: Row
}
