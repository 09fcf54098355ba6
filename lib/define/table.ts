/** The builder of broadcast tables. */
import { check } from './check.ts'
import type { Columns, Format, TableDefinition } from './definition.ts'
import { frozen } from './freeze.ts'
import { anyFormat, columns as columnsSchema, relativePath } from './schemas.ts'

/** A small table, read whole once in each worker, for joins in `sql`; `path` is a template under the input root. */
export function table(path: string, tableFormat: Format, columns?: Columns): TableDefinition {
  return frozen({
    kind: 'table',
    path: check('table: path', relativePath, path),
    format: check('table: format', anyFormat, tableFormat),
    ...(columns === undefined ? {} : { columns: check('table: columns', columnsSchema, columns) }),
  })
}
