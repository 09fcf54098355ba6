/** Finds COLLATE where SQL keeps one of several equal texts: which of them it keeps depends on the order of the rows. */
import { engineName } from '../errors/engine-name.ts'
import { aggregateFunctions } from './functions.ts'
import { isInput, isSubquery } from './row-wise.ts'
import { list, type Node, nodesIn } from './syntax.ts'

/** Whether a tree has COLLATE outside of comparisons, whose result is the same for equal texts, and outside of aggregates. */
export const hasCollation = (tree: unknown): boolean =>
  nodesIn(tree, node => (node.class === 'COMPARISON' || isAggregate(node) ? [] : Object.values(node))).some(isCollation)

/** Whether a node is an aggregate of a group, or of a window whose rows have no order. */
const isAggregate = (node: Node): boolean =>
  (node.class === 'FUNCTION' && aggregateFunctions.has(String(node.function_name))) || isUnorderedWindow(node)

const isUnorderedWindow = ({ type, orders }: Node): boolean => type === 'WINDOW_AGGREGATE' && list(orders).length === 0

/** Whether an aggregate of a window in a tree may have one of several equal texts as its value. */
export const hasChoosingWindow = (tree: unknown): boolean =>
  nodesIn(tree).some(node => isUnorderedWindow(node) && !isCount(node))

const isCollation = ({ class: kind }: Node): boolean => kind === 'COLLATE'

/** Returns the name of an aggregate in a tree whose value is one of several texts that are equal by a collation. */
export function collatedAggregate(tree: unknown, partsOf?: (node: Node) => readonly unknown[]): string | undefined {
  const isChoice = (node: Node): boolean => isAggregate(node) && !isCount(node) && hasCollation(node.children)
  const found = nodesIn(tree, partsOf).find(isChoice)
  return found && String(found.function_name)
}

/**
 * Returns a function that returns the parts of an expression of a SELECT over `input` alone, without subqueries whose value is the same for
 * all rows: they name nothing that may be of `input`.
 */
export function outsideTables(select: Node, columns: readonly string[] = []): (node: Node) => readonly unknown[] {
  const { from_table: from, select_list: values } = select
  // The columns of a join or a subquery are not known.
  if (columns.length === 0 || !isInput(from as Node)) return Object.values
  const aliases = [from as Node, ...list(values)].map(({ alias }) => String(alias))
  const names = new Set(['input', ...aliases, ...columns].map(engineName))
  const isOuter = ({ column_names: path }: Node): boolean =>
    ((path ?? []) as readonly string[]).some(part => names.has(engineName(part)))
  return node => (isSubquery(node) && !nodesIn(node.subquery).some(isOuter) ? [node.child] : Object.values(node))
}

const isCount = ({ function_name: name }: Node): boolean => counts.has(String(name))

/** Aggregates whose value is a number, which is the same for equal texts. */
const counts: ReadonlySet<string> = new Set(['count', 'count_star', 'approx_count_distinct'])
