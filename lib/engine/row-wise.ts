/** Refuses SQL whose rows would depend on how the input was sliced. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { quoteText } from './quote.ts'

/** Part of the engine's own parse tree, as `json_serialize_sql` prints it. */
export type Node = { readonly [key: string]: unknown }

/**
 * Checks one SELECT over `input`, whose columns are given where they are known: no aggregate, DISTINCT, window, ORDER BY, LIMIT, set
 * operation or sample of its rows, no function with another answer for each call or query, `input` once in FROM, and
 * no join that would add unmatched rows of a table.
 * @throws SQL_NOT_ROWWISE, SQL_INVALID when it does not parse or is not one SELECT
 */
export async function checkRowWise(
  connection: DuckDBConnection,
  sql: string,
  where: string,
  columns: readonly string[] | undefined,
): Promise<void> {
  const select = await parseSelect(connection, sql, where)
  names ??= await functionNames(connection)
  const refuse: Refuse = refusal(where, sql)
  const misspelt = misspeltInput(select.from_table as Node | undefined)
  if (misspelt !== undefined) throw invalid(where, `unknown table ${misspelt}; did you mean input`, sql)
  checkFunctions(select, names.unstable, columns, refuse)
  checkSelect(select, names.aggregates, refuse)
}

/** The one SELECT that a statement is. @throws SQL_INVALID */
export async function parseSelect(connection: DuckDBConnection, sql: string, where: string): Promise<Node> {
  const reader = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`)
  const parsed = JSON.parse(String(reader.getRows()[0]?.[0])) as Node
  const statements = parsed.statements as readonly Node[] | undefined
  if (parsed.error || !statements)
    throw invalid(where, problemOf(String(parsed.error_message ?? 'it does not parse')), sql)
  if (statements.length !== 1) throw invalid(where, `expected one SELECT, got ${statements.length} statements`, sql)
  return statements[0]?.node as Node
}

/** Throws SQL_NOT_ROWWISE, saying what it is that is refused. */
export const refusal =
  (where: string, sql: string) =>
  (what: string): never => {
    throw new PermanentError(
      'SQL_NOT_ROWWISE',
      `${where}: ${what} would make the rows depend on how the input is sliced; use reduce or bucketBy for it, or say that it is meant with sql({ scope: 'slice' })`,
      { where, what, sql },
    )
  }

const problemOf = (message: string): string =>
  message.startsWith('Only SELECT') ? 'expected one SELECT, got another kind of statement' : message

const invalid = (where: string, problem: string, sql: string): PermanentError =>
  new PermanentError('SQL_INVALID', `${where}: ${problem}`, { where, sql })

interface FunctionNames {
  readonly aggregates: ReadonlySet<string>
  readonly unstable: ReadonlySet<string>
}

let names: FunctionNames | undefined

async function functionNames(connection: DuckDBConnection): Promise<FunctionNames> {
  const read = async (condition: string): Promise<string[]> => {
    const reader = await connection.runAndReadAll(
      `SELECT DISTINCT function_name FROM duckdb_functions() WHERE ${condition}`,
    )
    return reader.getRows().map(([name]) => String(name))
  }
  const scalars = new Set(await read("function_type IN ('scalar', 'macro')"))
  const aggregates = await read("function_type = 'aggregate'")
  const unstable = await read("function_type = 'scalar' AND stability <> 'CONSISTENT' AND function_name <> 'error'")
  return {
    aggregates: new Set(aggregates.filter(name => !scalars.has(name))),
    unstable: new Set([...unstable, ...clocks, ...hiders]),
  }
}

/** A table in FROM that is named nearly as `input`, where that is not read. */
function misspeltInput(from: Node | undefined): string | undefined {
  if (from?.type !== 'BASE_TABLE' || isInput(from)) return undefined
  const name = String(from.table_name)
  return nearest(name, ['input']).length > 0 ? name : undefined
}

/** The present time, also as words without parentheses. */
const clocks = [
  'current_timestamp',
  'current_date',
  'current_time',
  'current_localtime',
  'current_localtimestamp',
  'localtime',
  'localtimestamp',
  'ago',
]

/** Functions that run SQL in a text, where `input` is not seen. */
const hiders = ['query', 'query_table', 'json_execute_serialized_sql']

/** Anywhere in the statement, subqueries over tables as well. */
function checkFunctions(
  node: unknown,
  unstable: ReadonlySet<string>,
  columns: readonly string[] | undefined,
  refuse: Refuse,
): void {
  if (typeof node !== 'object' || node === null) return
  const { class: kind, function_name: called, column_names: path } = node as Node
  const word = Array.isArray(path) && path.length === 1 ? String(path[0]).toLowerCase() : undefined
  const isNoColumn = kind === 'COLUMN_REF' && columns?.every(column => column.toLowerCase() !== word)
  const name = kind === 'FUNCTION' ? String(called) : isNoColumn ? word : undefined
  if (name !== undefined && (unstable.has(name) || name.startsWith('fanmill_'))) refuse(`the function ${name}`)
  for (const value of Object.values(node)) checkFunctions(value, unstable, columns, refuse)
}

type Refuse = (what: string) => never

function checkSelect(select: Node, aggregates: ReadonlySet<string>, refuse: Refuse): void {
  if (select.type === 'SET_OPERATION_NODE') refuse('a set operation (UNION, INTERSECT, EXCEPT)')
  for (const modifier of list(select.modifiers)) refuse(modifierNames[String(modifier.type)] ?? String(modifier.type))
  if (list(select.group_expressions).length > 0 || list(select.group_sets).length > 0) refuse('GROUP BY')
  if (select.aggregate_handling === 'FORCE_AGGREGATES') refuse('GROUP BY')
  if (select.having) refuse('HAVING')
  if (select.qualify) refuse('QUALIFY')
  if (select.sample) refuse('TABLESAMPLE')
  const withNames = list((select.cte_map as Node | undefined)?.map).map(({ key }) => String(key).toLowerCase())
  if (withNames.includes('input')) refuse('a WITH clause named input')
  if (mentionsInput(select.cte_map)) refuse('input in a WITH clause')
  checkFrom(select.from_table as Node | undefined, refuse)
  if (countInput(select.from_table) === 0) refuse('a statement that does not read input')
  for (const part of [select.select_list, select.where_clause]) checkExpression(part, aggregates, refuse)
}

const modifierNames: Record<string, string> = {
  ORDER_MODIFIER: 'ORDER BY',
  LIMIT_MODIFIER: 'LIMIT',
  LIMIT_PERCENT_MODIFIER: 'LIMIT',
  DISTINCT_MODIFIER: 'DISTINCT',
}

/** `input` stands once, on the side of each join that keeps its rows. */
function checkFrom(table: Node | undefined, refuse: Refuse): void {
  if (!table || countInput(table) === 0) return
  if (countInput(table) > 1) refuse('input joined with itself')
  if (table.sample) refuse('TABLESAMPLE')
  if (isInput(table)) return
  if (table.type !== 'JOIN') refuse('input in a subquery')
  if (table.ref_type === 'POSITIONAL') refuse('a POSITIONAL join')
  const [left, right] = [table.left as Node, table.right as Node]
  const join = String(table.join_type)
  const isLeft = countInput(left) > 0
  const allowed = isLeft ? ['INNER', 'LEFT', 'SEMI', 'ANTI'] : ['INNER', 'RIGHT']
  if (!allowed.includes(join)) refuse(`a ${join} join that adds or loses rows of a table`)
  if (mentionsInput(table.condition)) refuse('input in a subquery')
  checkFrom(isLeft ? left : right, refuse)
}

function checkExpression(node: unknown, aggregates: ReadonlySet<string>, refuse: Refuse): void {
  if (Array.isArray(node)) {
    for (const each of node) checkExpression(each, aggregates, refuse)
    return
  }
  if (typeof node !== 'object' || node === null) return
  const { class: kind, function_name: name } = node as Node
  if (kind === 'WINDOW') refuse(`the window function ${String(name)}`)
  if (kind === 'FUNCTION' && aggregates.has(String(name))) refuse(`the aggregate ${String(name)}`)
  if (kind === 'SUBQUERY') {
    // A subquery over tables alone is the same for every row.
    if (mentionsInput((node as Node).subquery)) refuse('input in a subquery')
    return
  }
  for (const value of Object.values(node)) checkExpression(value, aggregates, refuse)
}

const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? (value as Node[]) : [])

/** Whether a table in FROM is `input`. */
export const isInput = (node: Node): boolean =>
  node.type === 'BASE_TABLE' && String(node.table_name).toLowerCase() === 'input' && !node.schema_name

const mentionsInput = (node: unknown): boolean => countInput(node) > 0

function countInput(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0
  const own = !Array.isArray(node) && isInput(node as Node) ? 1 : 0
  return Object.values(node).reduce<number>((sum, value) => sum + countInput(value), own)
}
