/** Refuses user SQL that could read anything but its input, its tables and its own expressions. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { engineName } from '../errors/engine-name.ts'
import { nearest } from '../errors/nearest.ts'
import { isAllowedFunction, isAllowedTableFunction } from './functions.ts'
import { invalidSql, list, type Node, parseExpression, parseSelect } from './syntax.ts'

export interface AllowedSql {
  /** Tables that may stand in FROM, beside common table expressions. */
  readonly tables: readonly string[]
  /** Names the text in messages. */
  readonly where: string
  readonly sql: string
}

interface Check extends AllowedSql {
  /** Names of the functions found so far that are not on the allow list. */
  readonly unlisted: Set<string>
}

/** Parses one SELECT that reads nothing but `input` and the task's tables. @throws SQL_INVALID */
export async function selectOverInput(
  connection: DuckDBConnection,
  sql: string,
  { where, tables }: Pick<AllowedSql, 'where' | 'tables'>,
): Promise<Node> {
  const select = await parseSelect(connection, sql, where)
  await checkAllowed(connection, select, { tables: ['input', ...tables], where, sql })
  return select
}

/** Parses one expression that reads no table. @throws SQL_INVALID */
export async function allowedExpression(connection: DuckDBConnection, sql: string, where: string): Promise<Node> {
  const expression = await parseExpression(connection, sql, where)
  await checkAllowed(connection, expression, { tables: [], where, sql })
  return expression
}

/**
 * Checks a statement or an expression at any depth: FROM may have the given tables, common table expressions and functions that
 * make rows of values; expressions may call the functions of the allow list.
 * @throws SQL_INVALID for an unknown table, a file, or a function that is not allowed
 */
export async function checkAllowed(connection: DuckDBConnection, tree: Node, allowed: AllowedSql): Promise<void> {
  const unlisted = new Set<string>()
  checkNode(tree, new Set(allowed.tables.map(engineName)), { ...allowed, unlisted })
  if (unlisted.size === 0) return
  const functions = await engineFunctions(connection)
  // The engine itself refuses unknown names, and names the nearest one.
  const known = [...unlisted].find(
    name => functions.has(name.toLowerCase()) || name.toLowerCase().startsWith('fanmill_'),
  )
  if (known !== undefined) throw refused(known, allowed)
}

let functions: Promise<ReadonlySet<string>> | undefined

/** Returns the names of all functions that an expression can call. Reading them takes 20 milliseconds, so only refusals do. */
function engineFunctions(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  functions ??= connection
    .runAndReadAll(
      "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro', 'aggregate')",
    )
    .then(reader => new Set(reader.getRows().map(([name]) => String(name))))
    .catch((error: unknown) => {
      functions = undefined
      throw error
    })
  return functions
}

function checkNode(value: unknown, tables: ReadonlySet<string>, check: Check): void {
  if (typeof value !== 'object' || value === null) return
  const node = value as Node
  if (node.type === 'BASE_TABLE') checkTable(node, tables, check)
  if (node.type === 'SHOW_REF')
    throw invalidSql(check.where, 'SHOW, DESCRIBE and SUMMARIZE cannot stand here', check.sql)
  if (node.class === 'FUNCTION' || node.class === 'WINDOW') {
    const name = String(node.function_name)
    if (!isAllowedFunction(name)) check.unlisted.add(name)
  }
  const { cte_map: expressions, ...parts } = node.type === 'TABLE_FUNCTION' ? argumentsOf(node, check) : node
  const visible = checkTableExpressions(expressions, tables, check)
  for (const part of Object.values(parts)) checkNode(part, visible, check)
}

/** Returns the arguments of a function in FROM. @throws SQL_INVALID for a function that is not allowed */
function argumentsOf(node: Node, allowed: AllowedSql): Node {
  const { function_name: name, children } = (node.function ?? {}) as Node
  if (!isAllowedTableFunction(String(name))) throw refused(String(name), allowed)
  return { children }
}

/** Checks WITH clauses, each of which sees those before it, and itself if it is recursive. Returns the tables that the statement sees. */
function checkTableExpressions(map: unknown, tables: ReadonlySet<string>, check: Check): ReadonlySet<string> {
  const visible = new Set(tables)
  for (const { key, value } of list((map as Node | undefined)?.map)) {
    const name = engineName(String(key))
    const { node } = ((value as Node).query ?? {}) as Node
    const isRecursive = (node as Node | undefined)?.type === 'RECURSIVE_CTE_NODE'
    checkNode(value, isRecursive ? new Set([...visible, name]) : visible, check)
    visible.add(name)
  }
  return visible
}

function checkTable(node: Node, tables: ReadonlySet<string>, { where, sql }: AllowedSql): void {
  const name = String(node.table_name)
  const path = [node.catalog_name, node.schema_name, name].filter(part => part).join('.')
  if (node.at_clause) throw invalidSql(where, `AT cannot stand after ${name}, which has no versions`, sql)
  if (path === name && tables.has(engineName(name))) return
  const [meant] = nearest(path, tables)
  const advice = meant === undefined ? thereAre([...tables]) : `did you mean ${meant}`
  throw invalidSql(where, `unknown table ${path}; ${advice}`, sql)
}

const thereAre = (tables: readonly string[]): string =>
  tables.length === 0 ? 'no table can be read here' : `there are ${tables.join(', ')}`

const refused = (name: string, { where, sql }: AllowedSql) =>
  invalidSql(
    where,
    `the function ${name} is not available; SQL reads its input and tables, and calls functions of values`,
    sql,
  )
