/** Finds COLLATE where SQL keeps one of several equal texts: which of them it keeps depends on the order of the rows. */
import { aggregateFunctions } from './functions.ts'
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
export function collatedAggregate(tree: unknown): string | undefined {
  const isChoice = (node: Node): boolean => isAggregate(node) && !isCount(node) && hasCollation(node.children)
  const found = nodesIn(tree).find(isChoice)
  return found && String(found.function_name)
}

const isCount = ({ function_name: name }: Node): boolean => counts.has(String(name))

/** Aggregates whose value is a number, which is the same for equal texts. */
const counts: ReadonlySet<string> = new Set(['count', 'count_star', 'approx_count_distinct'])
