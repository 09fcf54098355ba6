/** Types the columns in a source's paths: `year={year}/month={month}/a.csv` has year and month. */

declare const pathColumns: unique symbol

/** Carries the names of a source's path columns: `string` when only the inputs show them. */
export interface PathColumns<out Names extends string> {
  readonly [pathColumns]?: readonly [Names]
}

/** The path columns of a path template. */
export type PathColumnsOf<Paths extends string> = string extends Paths
  ? string
  : Paths extends `${infer Folder}/${infer Rest}`
    ? FolderColumns<Folder> | PathColumnsOf<Rest>
    : never

type FolderColumns<Folder extends string> = Folder extends `${infer Name}=${string}`
  ? Name extends Wild
    ? string
    : Name
  : Folder extends Wild
    ? string
    : never

/** A text with a glob character, a placeholder or a percent code. */
type Wild = `${string}${'*' | '?' | '{' | '[' | '%'}${string}`
