/** Checks SQL over the rows of a slice, whatever they are: its rows depend on how the input is cut. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { checkAllowed } from './allowed.ts'
import { sqlCatalog } from './catalog.ts'
import type { RowWiseCheck } from './row-wise.ts'
import { type Node, parseSelect } from './syntax.ts'

/** Returns the parse tree of one SELECT that reads nothing but `input` and the task's tables. @throws SQL_INVALID */
export async function checkAnySlice(
  connection: DuckDBConnection,
  sql: string,
  { where, tables }: Pick<RowWiseCheck, 'where' | 'tables'>,
): Promise<Node> {
  const select = await parseSelect(connection, sql, where)
  checkAllowed(select, { tables: ['input', ...tables], where, sql, catalog: await sqlCatalog(connection) })
  return select
}
