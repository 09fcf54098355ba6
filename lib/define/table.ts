/** Builds the small tables that every worker reads whole. */
import { check } from './check.ts'
import { checkNamesInFile } from './check-names.ts'
import type { Columns, Format, TableDefinition } from './definition.ts'
import { frozen } from './freeze.ts'
import { anyFormat, columns as columnsSchema, relativePath } from './schemas.ts'

/**
 * A small table for joins in SQL, which every worker reads whole. `path` is a template under the input root. Declared columns are
 * checked before a run; without them, the engine detects the types when it reads the file.
 * @example tables: { airports: table('reference/airports.csv', csv(), { iata: column.string(), state: column.string() }) }
 */
export function table(path: string, tableFormat: Format, columns?: Columns): TableDefinition {
  const format = check('table: format', anyFormat, tableFormat)
  const declared = columns && check('table: columns', columnsSchema, columns)
  if (declared) checkNamesInFile('table', declared, format)
  return frozen({ kind: 'table', path: check('table: path', relativePath, path), format, columns: declared })
}
