/** Refuses SQL whose rows would depend on how the input is cut into slices. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { engineName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import { selectOverInput } from './allowed.ts'
import { aggregateFunctions, unstableFunctions } from './functions.ts'
import { list, type Node, nodesIn } from './syntax.ts'

export interface RowWiseCheck {
  /** Names the step in messages. */
  readonly where: string
  /** The columns of `input`, where they are known. */
  readonly columns?: readonly string[] | undefined
  /** The task's broadcast tables, which may stand in FROM beside `input`. */
  readonly tables: readonly string[]
}

/**
 * Checks one SELECT over `input` and returns its parse tree. It may have no aggregate, DISTINCT, window, ORDER BY, LIMIT, set
 * operation or sample of its rows, no function whose result differs from call to call, no join that adds unmatched rows of a
 * table, and must have `input` once in FROM. It may read nothing but `input` and the task's tables.
 * @throws SQL_NOT_ROWWISE; SQL_INVALID when it does not parse, is not one SELECT, or reads what it may not
 */
export async function checkRowWise(connection: DuckDBConnection, sql: string, check: RowWiseCheck): Promise<Node> {
  const { where, columns } = check
  const select = await selectOverInput(connection, sql, check)
  const refuse: Refuse = refusal(where, sql, onSlices)
  checkFunctions(select, columns, refuse)
  checkSelect(select, refuse)
  return select
}

/** Returns a function that throws SQL_NOT_ROWWISE and names the part that is refused; `effect` is what it would do, and the advice. */
export const refusal =
  (where: string, sql: string, effect: string) =>
  (what: string): never => {
    throw new PermanentError('SQL_NOT_ROWWISE', `${where}: ${what} would ${effect}`, { where, what, sql })
  }

/** The effect of SQL over several rows, and the advice. */
export const onSlices =
  'make the rows depend on how the input is cut into slices; a step sees each row on its own, so do this when you read the finished dataset'

/** Checks the functions of the whole statement, also in subqueries over tables. */
export function checkFunctions(tree: Node, columns: readonly string[] | undefined, refuse: Refuse): void {
  for (const { class: kind, function_name: called, column_names: path, children, sample } of nodesIn(tree)) {
    const word = Array.isArray(path) && path.length === 1 ? engineName(String(path[0])) : undefined
    const isNoColumn = kind === 'COLUMN_REF' && columns?.every(column => engineName(column) !== word)
    const name = kind === 'FUNCTION' ? String(called) : isNoColumn ? word : undefined
    if (name !== undefined && unstableFunctions.has(name)) refuse(`the function ${name}`)
    if (name === 'age' && list(children).length === 1) refuse('age with one argument, the present day its second,')
    if (sample) refuse('TABLESAMPLE')
  }
}

type Refuse = (what: string) => never

function checkSelect(select: Node, refuse: Refuse): void {
  if (select.type === 'SET_OPERATION_NODE') refuse('a set operation (UNION, INTERSECT, EXCEPT)')
  for (const modifier of list(select.modifiers)) refuse(modifierNames[String(modifier.type)] ?? String(modifier.type))
  if (list(select.group_expressions).length > 0 || list(select.group_sets).length > 0) refuse('GROUP BY')
  if (select.aggregate_handling === 'FORCE_AGGREGATES') refuse('GROUP BY')
  if (select.having) refuse('HAVING')
  if (select.qualify) refuse('QUALIFY')
  const withNames = list((select.cte_map as Node | undefined)?.map).map(({ key }) => engineName(String(key)))
  if (withNames.includes('input')) refuse('a WITH clause named input')
  if (mentionsInput(select.cte_map)) refuse('input in a WITH clause')
  checkFrom(select.from_table as Node | undefined, refuse)
  if (countInput(select.from_table) === 0) refuse('a statement that does not read input')
  for (const part of [select.select_list, select.where_clause]) checkExpression(part, refuse)
}

/** How SQL names the modifiers of a SELECT. */
export const modifierNames: Record<string, string> = {
  ORDER_MODIFIER: 'ORDER BY',
  LIMIT_MODIFIER: 'LIMIT',
  LIMIT_PERCENT_MODIFIER: 'LIMIT',
  DISTINCT_MODIFIER: 'DISTINCT',
}

/** Checks that `input` stands once in FROM, on the side of each join whose rows are kept. */
function checkFrom(table: Node | undefined, refuse: Refuse): void {
  if (!table || countInput(table) === 0) return
  if (countInput(table) > 1) refuse('input joined with itself')
  if (isInput(table)) return
  checkJoins(table, refuse, side => checkFrom(side, refuse))
}

/** Checks a join in FROM, of which one side has `input`, and then that side. */
export function checkJoins(table: Node, refuse: Refuse, checkSide: (side: Node) => void): void {
  if (countInput(table) > 1) refuse('input joined with itself')
  if (table.type !== 'JOIN') refuse('input in a subquery')
  if (table.ref_type === 'POSITIONAL') refuse('a POSITIONAL join')
  const [left, right] = [table.left as Node, table.right as Node]
  const join = String(table.join_type)
  const isLeft = countInput(left) > 0
  const allowed = isLeft ? ['INNER', 'LEFT', 'SEMI', 'ANTI'] : ['INNER', 'RIGHT']
  if (!allowed.includes(join)) refuse(`a ${join} join that adds or loses rows of a table`)
  if (mentionsInput(table.condition)) refuse('input in a subquery')
  checkSide(isLeft ? left : right)
}

function checkExpression(tree: unknown, refuse: Refuse): void {
  for (const node of nodesIn(tree, outsideSubqueries)) {
    const { class: kind, function_name: name } = node
    if (kind === 'WINDOW') refuse(`the window function ${String(name)}`)
    if (kind === 'FUNCTION' && aggregateFunctions.has(String(name))) refuse(`the aggregate ${String(name)}`)
    // A subquery over tables alone is the same for every row.
    if (isSubquery(node) && mentionsInput(node.subquery)) refuse('input in a subquery')
  }
}

/** Whether an expression is a SELECT. */
export const isSubquery = (node: Node): boolean => node.class === 'SUBQUERY'

/** Returns the parts of an expression that are of its own SELECT: what a subquery is compared with, as in `a IN (SELECT …)`, is one. */
export const outsideSubqueries = (node: Node): readonly unknown[] =>
  isSubquery(node) ? [node.child] : Object.values(node)

/** Whether a table in FROM is `input`. */
export const isInput = (node: Node): boolean =>
  node.type === 'BASE_TABLE' && engineName(String(node.table_name)) === 'input' && !node.schema_name

const mentionsInput = (tree: unknown): boolean => countInput(tree) > 0

export const countInput = (tree: unknown): number => nodesIn(tree).filter(isInput).toArray().length
