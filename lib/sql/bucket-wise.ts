/** Refuses SQL over the rows of a bucket whose rows would depend on which keys share a bucket. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { engineName } from '../errors/engine-name.ts'
import { selectOverInput } from './allowed.ts'
import { collatedAggregate, hasChoosingWindow, hasCollation, outsideTables } from './collation.ts'
import { aggregateFunctions } from './functions.ts'
import {
  checkFunctions,
  checkJoins,
  countInput,
  isInput,
  isSubquery,
  modifierNames,
  outsideSubqueries,
  type RowWiseCheck,
  refusal,
} from './row-wise.ts'
import { list, type Node, nodesIn } from './syntax.ts'

/**
 * Checks one SELECT over `input` and returns its parse tree. It may group, number and filter the rows of one key: GROUP BY, the
 * PARTITION BY of each window and DISTINCT ON must name all columns of the key. `input` may stand in a subquery in FROM that keeps them.
 * @throws SQL_NOT_ROWWISE; SQL_INVALID as for a statement over single rows
 */
export async function checkBucketWise(
  connection: DuckDBConnection,
  sql: string,
  check: RowWiseCheck & { readonly by: readonly string[] },
): Promise<Node> {
  const { where, columns, by } = check
  const select = await selectOverInput(connection, sql, check)
  const effect = `make the rows depend on which keys share a bucket; group, partition and number by ${by.join(', ')}`
  const refuse = refusal(where, sql, effect)
  checkFunctions(select, columns, refuse)
  checkSelect(select, { by, refuse, columns })
  return select
}

interface Rules {
  readonly by: readonly string[]
  /** The columns of `input`, where they are known. */
  readonly columns: readonly string[] | undefined
  readonly refuse: (what: string) => never
}

function checkSelect(select: Node, rules: Rules): void {
  const { by, refuse } = rules
  const rows = inputNames(select)
  if (select.type === 'SET_OPERATION_NODE') refuse('a set operation (UNION, INTERSECT, EXCEPT)')
  for (const modifier of list(select.modifiers)) checkModifier(modifier, select, rules)
  const groups = list(select.group_expressions)
  const isGrouped = list(select.group_sets).length > 0
  if (isGrouped && !namesAll(groups, by, rows)) refuse(`GROUP BY without ${by.join(', ')}`)
  if (select.having && !isGrouped) refuse(`HAVING without GROUP BY ${by.join(', ')}`)
  if (list(select.group_sets).length > 1) refuse('GROUPING SETS, ROLLUP or CUBE')
  if (select.aggregate_handling === 'FORCE_AGGREGATES') refuse('GROUP BY ALL')
  if (countInput(select.cte_map) > 0) refuse('input in a WITH clause')
  checkCollation(select, rules)
  checkFrom(select.from_table as Node | undefined, rules)
  if (countInput(select.from_table) === 0) refuse('a statement that does not read input')
  for (const part of [select.select_list, select.where_clause, select.having, select.qualify])
    checkExpression(part, { ...rules, rows, isGrouped })
}

/** Refuses COLLATE in what is grouped or aggregated, because the result would keep one of several equal texts. */
function checkCollation(select: Node, { refuse, columns }: Rules): void {
  const distinct = list(select.modifiers).filter(({ type }) => type === 'DISTINCT_MODIFIER')
  const isGrouped = list(select.group_sets).length > 0 || distinct.length > 0
  const { group_expressions: groups, select_list: values, from_table: from } = select
  if (isGrouped && hasCollation([groups, values, from, distinct]))
    refuse('COLLATE in what is grouped (group by lower(x) instead)')
  const results = [values, select.having, select.qualify]
  if (hasChoosingWindow(results) && hasCollation(from))
    refuse('COLLATE in a subquery below an aggregate over a window without ORDER BY')
  const chosen = collatedAggregate(results, outsideTables(select, columns))
  if (chosen !== undefined) refuse(`COLLATE in the aggregate ${chosen}`)
}

function checkModifier(modifier: Node, select: Node, { by, refuse }: Rules): void {
  if (modifier.type === 'ORDER_MODIFIER') return
  if (modifier.type !== 'DISTINCT_MODIFIER') refuse(modifierNames[String(modifier.type)] ?? String(modifier.type))
  const targets = list(modifier.distinct_on_targets)
  const isByKey = targets.length > 0 ? namesAll(targets, by, inputNames(select)) : keepsKey(select, by)
  if (!isByKey) refuse(`DISTINCT without ${by.join(', ')}`)
  const isOrdered = list(select.modifiers).some(({ type }) => type === 'ORDER_MODIFIER')
  if (targets.length > 0 && !isOrdered) refuse('DISTINCT ON without ORDER BY')
}

/** Checks joins as for single rows; a subquery over `input` must itself keep the key. */
function checkFrom(table: Node | undefined, rules: Rules): void {
  if (!table || countInput(table) === 0 || isInput(table)) return
  if (table.type === 'SUBQUERY') {
    const inner = ((table.subquery as Node).node ?? {}) as Node
    checkSelect(inner, rules)
    if (!keepsKey(inner, rules.by)) rules.refuse(`a subquery that does not return ${rules.by.join(', ')} as they are`)
    return
  }
  checkJoins(table, rules.refuse, side => checkFrom(side, rules))
}

/** Aggregates whose value depends on the order of the rows, or of those that are equal in what they compare. */
const ordered = new Set(
  `first last any_value arbitrary list array_agg string_agg group_concat listagg json_group_array json_group_object json_group_structure
  arg_max arg_max_null arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin max_by min_by mode approx_quantile
  approx_top_k`.split(/\s+/),
)

/** Returns the name of an aggregate in a tree whose value depends on an order that it does not name. */
export function orderedAggregate(tree: Node): string | undefined {
  const [found] = unorderedIn(tree)
  return found && String(found.function_name)
}

/** Returns the aggregates in a tree whose value depends on an order that they do not name. */
function unorderedIn(tree: unknown): ReadonlySet<Node> {
  const functions = [...nodesIn(tree).filter(node => node.class === 'FUNCTION')]
  // The engine parses `list(x ORDER BY x)` as `list_sort(list(x))`.
  const sorted = functions.flatMap(node => (node.function_name === 'list_sort' ? list(node.children).slice(0, 1) : []))
  const orders = (node: Node) => list((node.order_bys as Node | undefined)?.orders)
  const isUnordered = (node: Node) => ordered.has(String(node.function_name)) && orders(node).length === 0
  return new Set(functions.filter(node => isUnordered(node) && !sorted.includes(node)))
}

interface ExpressionRules extends Rules {
  /** Names of the rows of `input` in FROM. */
  readonly rows: ReadonlySet<string>
  readonly isGrouped: boolean
}

function checkExpression(tree: unknown, { by, refuse, rows, isGrouped }: ExpressionRules): void {
  const unordered = unorderedIn(tree)
  for (const node of nodesIn(tree, outsideSubqueries)) {
    const { class: kind, function_name: name, partitions, orders } = node
    if (kind === 'WINDOW') {
      if (!namesAll(list(partitions), by, rows))
        refuse(`the window of ${String(name)} without PARTITION BY ${by.join(', ')}`)
      const needsOrder = node.type !== 'WINDOW_AGGREGATE' || ordered.has(String(name))
      if (needsOrder && list(orders).length === 0) refuse(`the window of ${String(name)} without ORDER BY`)
    } else if (kind === 'FUNCTION' && aggregateFunctions.has(String(name))) {
      if (!isGrouped) refuse(`the aggregate ${String(name)} without GROUP BY ${by.join(', ')}`)
      if (unordered.has(node)) refuse(`the aggregate ${String(name)} without ORDER BY`)
    } else if (isSubquery(node) && countInput(node.subquery) > 0) refuse('input in a subquery')
  }
}

const namesAll = (expressions: readonly Node[], by: readonly string[], rows: ReadonlySet<string>): boolean =>
  by.every(name => expressions.some(expression => columnOf(expression, rows) === engineName(name)))

/** Returns the names that the rows of `input` have in the FROM of a SELECT, in lower case. */
function inputNames(select: Node): ReadonlySet<string> {
  const tables = nodesIn(select.from_table, node => (node.type === 'JOIN' ? [node.left, node.right] : []))
  const ofInput = [...tables].filter(node => node.type !== 'JOIN' && countInput(node) > 0)
  return new Set(ofInput.map(({ alias, table_name: name }) => engineName(String(alias || name))))
}

/** Returns the name of a column of `input` that an expression consists of; undefined for a field of a struct and a column of a table. */
function columnOf({ class: kind, column_names: path }: Node, rows: ReadonlySet<string>): string | undefined {
  if (kind !== 'COLUMN_REF') return undefined
  const [name, ...others] = (path as readonly string[]).map(engineName).reverse()
  return others.length === 0 || (others.length === 1 && rows.has(others[0] ?? '')) ? name : undefined
}

/** Returns whether a SELECT returns the columns of the key unchanged, under their names. */
export function keepsKey(select: Node, by: readonly string[]): boolean {
  const rows = inputNames(select)
  return by.every(name => list(select.select_list).some(expression => returns(expression, engineName(name), rows)))
}

function returns(expression: Node, name: string, rows: ReadonlySet<string>): boolean {
  if (expression.class !== 'STAR') {
    const alias = engineName(String(expression.alias ?? ''))
    return columnOf(expression, rows) === name && (alias === '' || alias === name)
  }
  const {
    exclude_list: excluded,
    replace_list: replaced,
    rename_list: renamed,
    columns,
    relation_name: table,
  } = expression
  if (table && !rows.has(engineName(String(table)))) return false
  const texts = engineName(JSON.stringify([excluded, list(replaced).map(({ key }) => key), renamed]))
  return columns !== true && !texts.includes(JSON.stringify(name))
}
