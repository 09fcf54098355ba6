/** Binds a user's statement over an empty table `input`, to find equal column names and aggregates of `input` in subqueries. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { type BoundQuery, runBound } from '../duckdb/bound-query.ts'
import { engineName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import { isInput, isSubquery, onSlices, refusal } from './row-wise.ts'
import { list, type Node, nodesIn, selectWithColumn } from './syntax.ts'

export interface StatementCheck {
  readonly select: Node
  /** A query with the columns of `input`. */
  readonly input: BoundQuery
  readonly columns: readonly string[]
  readonly where: string
}

/**
 * Checks a statement that passed `checkRowWise`. A statement that does not bind passes here, and fails with the engine's message when it is prepared.
 * @throws SQL_INVALID, SQL_NOT_ROWWISE
 */
export async function checkStatement(
  connection: DuckDBConnection,
  statement: BoundQuery,
  { select, input, columns, where }: StatementCheck,
): Promise<void> {
  await runBound(connection, {
    sql: `CREATE OR REPLACE TEMP TABLE input AS SELECT * FROM (${input.sql}) LIMIT 0`,
    values: input.values,
  })
  try {
    await checkAggregates(connection, statement, { select, columns, where })
    const names = await describe(connection, statement)
    if (Array.isArray(names)) checkNames(names, where, 'sql')
  } finally {
    await connection.run('DROP TABLE temp.input')
  }
}

/** @throws SQL_INVALID for two names that are equal, or differ only in case */
export function checkNames(names: readonly string[], where: string, kind: 'sql' | 'map'): void {
  const seen = new Set<string>()
  for (const name of names) {
    const key = engineName(name)
    if (!seen.has(key)) {
      seen.add(key)
      continue
    }
    const advice =
      kind === 'sql'
        ? `write * replace (… as ${name}) or * exclude (${name}) in place of *, or name one of them otherwise`
        : 'name one of them otherwise'
    throw new PermanentError('SQL_INVALID', `${where}: column ${name} comes out twice; ${advice}`, { where, name })
  }
}

/** Returns the names of the output columns, before the engine makes equal names different; or the error if the statement does not bind. */
async function describe(connection: DuckDBConnection, { sql, values }: BoundQuery): Promise<string[] | Error> {
  try {
    const result = await runBound(connection, { sql: `DESCRIBE ${sql}`, values })
    return (await result.getRows()).map(([name]) => String(name))
  } catch (error) {
    return error as Error
  }
}

/**
 * Refuses aggregates in subqueries whose arguments are all columns of `input`: they aggregate the rows of `input`. The
 * engine detects them, because it refuses another column of `input` beside them. A statement with groups may have them.
 */
async function checkAggregates(
  connection: DuckDBConnection,
  { sql, values }: BoundQuery,
  { select, columns, where }: Pick<StatementCheck, 'select' | 'columns' | 'where'>,
): Promise<void> {
  const column = columnOfInput(select.from_table, columns)
  const isGrouped = list(select.group_sets).length > 0
  if (!column || isGrouped || !nodesIn(select.select_list).some(isSubquery)) return
  const bound = await describe(connection, { sql: await selectWithColumn(connection, select, column), values })
  if (bound instanceof Error && /must appear in the GROUP BY/.test(bound.message))
    refusal(where, sql, onSlices)('an aggregate of input in a subquery')
}

function columnOfInput(from: unknown, columns: readonly string[]): Node | undefined {
  const input = nodesIn(from).find(isInput)
  if (!input) return undefined
  const [name = columns[0]] = input.column_name_alias as readonly string[]
  const table = input.alias === '' ? 'input' : input.alias
  if (name === undefined) return undefined
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', query_location: 0, column_names: [table, name] }
}
