/** Refuses SQL whose rows would depend on how the input was sliced. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import { quoteText } from './quote.ts'

/** Part of the engine's own parse tree, as `json_serialize_sql` prints it. */
type Node = { readonly [key: string]: unknown }

/**
 * Checks one SELECT over `input`: no aggregate, DISTINCT, window, ORDER BY, LIMIT, set operation, sample or random
 * function over its rows, `input` once in FROM, and no join that would add unmatched rows of a table.
 * @throws SQL_NOT_ROWWISE, SQL_INVALID when it does not parse or is not one SELECT
 */
export async function checkRowWise(connection: DuckDBConnection, sql: string, where: string): Promise<void> {
  const select = await parseSelect(connection, sql, where)
  const aggregates = await aggregateNames(connection)
  const refuse = (what: string): never => {
    throw new PermanentError(
      'SQL_NOT_ROWWISE',
      `${where}: ${what} would make the rows depend on how the input is sliced; use reduce or bucketBy for it, or say that it is meant with sql({ scope: 'slice' })`,
      { where, what, sql },
    )
  }
  checkSelect(select, aggregates, refuse)
}

async function parseSelect(connection: DuckDBConnection, sql: string, where: string): Promise<Node> {
  const reader = await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`)
  const parsed = JSON.parse(String(reader.getRows()[0]?.[0])) as Node
  const statements = parsed.statements as readonly Node[] | undefined
  if (parsed.error || !statements) throw invalid(where, String(parsed.error_message ?? 'it does not parse'), sql)
  if (statements.length !== 1) throw invalid(where, `expected one SELECT, got ${statements.length} statements`, sql)
  return statements[0]?.node as Node
}

const invalid = (where: string, problem: string, sql: string): PermanentError =>
  new PermanentError('SQL_INVALID', `${where}: ${problem}`, { where, sql })

let aggregates: ReadonlySet<string> | undefined

async function aggregateNames(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  if (aggregates) return aggregates
  const reader = await connection.runAndReadAll(
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'",
  )
  const scalars = await connection.runAndReadAll(
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')",
  )
  const both = new Set(scalars.getRows().map(row => String(row[0])))
  aggregates = new Set(
    reader
      .getRows()
      .map(row => String(row[0]))
      .filter(name => !both.has(name)),
  )
  return aggregates
}

type Refuse = (what: string) => never

function checkSelect(select: Node, names: ReadonlySet<string>, refuse: Refuse): void {
  if (select.type === 'SET_OPERATION_NODE') refuse('a set operation (UNION, INTERSECT, EXCEPT)')
  for (const modifier of list(select.modifiers)) refuse(modifierNames[String(modifier.type)] ?? String(modifier.type))
  if (list(select.group_expressions).length > 0 || list(select.group_sets).length > 0) refuse('GROUP BY')
  if (select.aggregate_handling === 'FORCE_AGGREGATES') refuse('GROUP BY')
  if (select.having) refuse('HAVING')
  if (select.qualify) refuse('QUALIFY')
  if (select.sample) refuse('TABLESAMPLE')
  checkFrom(select.from_table as Node | undefined, refuse)
  for (const part of [select.select_list, select.where_clause]) checkExpression(part, names, refuse)
  if (mentionsInput(select.cte_map)) refuse('input in a WITH clause')
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
  const [left, right] = [table.left as Node, table.right as Node]
  const join = String(table.join_type)
  const isLeft = countInput(left) > 0
  const allowed = isLeft ? ['INNER', 'LEFT', 'SEMI', 'ANTI'] : ['INNER', 'RIGHT']
  if (!allowed.includes(join)) refuse(`a ${join} join that adds or loses rows of a table`)
  if (mentionsInput(table.condition)) refuse('input in a subquery')
  checkFrom(isLeft ? left : right, refuse)
}

/** Functions whose answer is another one for each call or each thread. */
const unstable = new Set(['random', 'setseed', 'uuid', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'nextval', 'currval'])

function checkExpression(node: unknown, names: ReadonlySet<string>, refuse: Refuse): void {
  if (Array.isArray(node)) {
    for (const each of node) checkExpression(each, names, refuse)
    return
  }
  if (typeof node !== 'object' || node === null) return
  const { class: kind, function_name: name } = node as Node
  if (kind === 'WINDOW') refuse(`the window function ${String(name)}`)
  if (kind === 'FUNCTION' && names.has(String(name))) refuse(`the aggregate ${String(name)}`)
  if (kind === 'FUNCTION' && unstable.has(String(name))) refuse(`the function ${String(name)}`)
  if (kind === 'SUBQUERY') {
    // A subquery over tables alone is the same for every row.
    if (mentionsInput((node as Node).subquery)) refuse('input in a subquery')
    return
  }
  for (const value of Object.values(node)) checkExpression(value, names, refuse)
}

const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? (value as Node[]) : [])

const isInput = (node: Node): boolean =>
  node.type === 'BASE_TABLE' && String(node.table_name).toLowerCase() === 'input' && !node.schema_name

const mentionsInput = (node: unknown): boolean => countInput(node) > 0

function countInput(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0
  const own = !Array.isArray(node) && isInput(node as Node) ? 1 : 0
  return Object.values(node).reduce<number>((sum, value) => sum + countInput(value), own)
}
