/** Finds the columns of a task among the names of a file. */
import type { ColumnDefinition, Columns, CsvFormat } from '../definition.ts'

/** How names of columns are compared with those of a file. */
export type NameMatching = NonNullable<CsvFormat['matchNames']>

/** Returns the names that a column may have in a file. */
export const namesInFile = (name: string, column: Pick<ColumnDefinition, 'from'> | undefined): readonly string[] =>
  column?.from ?? [name]

export interface FoundColumns {
  /** The position in the file of each column that it has: that of the first of its names. */
  readonly positions: ReadonlyMap<string, number>
  /** Columns for which the file has several names, all of which are given. */
  readonly several: ReadonlyMap<string, readonly string[]>
}

/** Finds each column under one of its names. Time: that of the names of file and columns together. */
export function findColumns(
  inFile: readonly string[],
  columns: Columns,
  matching: NameMatching = 'exact',
): FoundColumns {
  const compared = comparedName(matching)
  const byName = Map.groupBy(inFile.keys(), index => compared(inFile[index] as string))
  const positions = new Map<string, number>()
  const several = new Map<string, readonly string[]>()
  for (const [name, column] of Object.entries(columns)) {
    const wanted = new Set(namesInFile(name, column).map(compared))
    const found = [...wanted].flatMap(each => byName.get(each) ?? [])
    const [first] = found
    if (first === undefined) continue
    positions.set(name, first)
    if (found.length > 1)
      several.set(
        name,
        found.map(index => inFile[index] as string),
      )
  }
  return { positions, several }
}

/** Returns how a name is written for comparison. */
export const comparedName =
  (matching: NameMatching = 'exact') =>
  (name: string): string =>
    matching === 'exact' ? name : name.trim().toLowerCase()
