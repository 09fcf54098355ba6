/** Finds texts with a collation where SQL chooses one of several equal ones: which one depends on the order of the rows. */
import { aggregateFunctions } from './functions.ts'
import { type Node, nodesIn } from './syntax.ts'

/**
 * Whether a tree has a text with a collation, apart from those that are compared, whose result is the same for equal texts, and from
 * aggregates.
 */
export const hasCollation = (tree: unknown): boolean =>
  nodesIn(tree, node => (node.class === 'COMPARISON' || isAggregate(node) ? [] : Object.values(node))).some(isCollation)

const isAggregate = ({ class: kind, function_name: name }: Node): boolean =>
  kind === 'FUNCTION' && aggregateFunctions.has(String(name))

const isCollation = ({ class: kind }: Node): boolean => kind === 'COLLATE'

/** Returns the name of an aggregate in a tree whose value is one of several texts that its collation takes for equal. */
export function collatedAggregate(tree: unknown): string | undefined {
  const isChoice = (node: Node): boolean =>
    isAggregate(node) && !counts.has(String(node.function_name)) && hasCollation(node.children)
  const found = nodesIn(tree).find(isChoice)
  return found && String(found.function_name)
}

const counts: ReadonlySet<string> = new Set(['count', 'count_star', 'approx_count_distinct'])
