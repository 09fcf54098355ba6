/** Checks the names that columns may have in files. */
import { invalid } from '../check.ts'
import type { Columns, Format } from '../definition.ts'
import { formatKind } from '../formats/format-kind.ts'
import { comparedName, namesInFile } from './file-names.ts'

/** @throws DEFINITION_INVALID for `from` where files have no names of their own, and for a name of two columns */
export function checkNamesInFile(subject: string, columns: Columns, format: Format): void {
  const { columnsFrom } = formatKind(format)
  const compared = comparedName(format.kind === 'csv' ? format.matchNames : undefined)
  const owners = new Map<string, string>()
  for (const [name, column] of Object.entries(columns)) {
    if (column.from && (columnsFrom === 'position' || columnsFrom === 'pattern'))
      throw invalid(
        `${subject}: columns.${name}.from`,
        `expected none, as the columns of ${format.kind} are found by ${columnsFrom}, got ${column.from.join(', ')}`,
      )
    for (const inFile of namesInFile(name, column)) {
      const owner = owners.get(compared(inFile))
      if (owner !== undefined && owner !== name)
        throw invalid(
          `${subject}: columns.${name}.from`,
          `expected a name that no other column has, got ${inFile}, as ${owner} has`,
        )
      owners.set(compared(inFile), name)
    }
  }
}
