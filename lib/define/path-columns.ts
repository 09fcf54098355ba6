/** Names, for the compiler, the columns that a source's paths give: `year={year}/month={month}/a.csv` gives year and month. */

declare const pathColumns: unique symbol

/** Carries the names of a source's path columns: `string` where only the inputs tell them. */
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
