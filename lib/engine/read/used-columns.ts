/** Finds the columns that the first steps of a task use, where their SQL shows it. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Step } from '../../define/definition.ts'
import type { AggregateStep, PickStep } from '../../define/steps/exchange-definition.ts'
import { measuredColumns } from '../../define/tasks/task-stages.ts'
import { conditionOf } from '../../model/run/resolve-task.ts'
import { list, type Node, nodesIn, parseExpression, parseSelect } from '../../sql/syntax.ts'
import { stepSql } from '../transform/step-sql.ts'

/**
 * Returns the names that are used; undefined where all columns may be: the rows are the output, a function gets them, or the SQL has `*`
 * or something else that is not a list of names.
 */
export async function usedColumns(
  connection: DuckDBConnection,
  steps: readonly Step[],
  names: readonly string[],
): Promise<readonly string[] | undefined> {
  const used = new Set<string>()
  const known = new Map(names.map(name => [name.toLowerCase(), name]))
  for (const step of steps) {
    if (step.kind === 'aggregate' || step.kind === 'pick') return keyed(step, known, used)
    if (step.kind !== 'sql') return undefined
    const sql = stepSql(step, 1)
    const isCondition = step.clause === 'where'
    const tree = await (isCondition
      ? parseExpression(connection, conditionOf(sql), 'where')
      : parseSelect(connection, sql, 'transform step')
    ).catch(() => undefined)
    // SQL that does not parse is refused where it is checked, over all columns.
    if (!tree || !collectNames(tree, aliasesIn(tree), known, used)) return undefined
    if (!isCondition) return [...used]
  }
  return undefined
}

/** Returns those of the names that a parsed SELECT over these tables uses; all where it may use any. */
export function treeColumns(tree: Node, tables: readonly string[], names: readonly string[]): readonly string[] {
  const used = new Set<string>()
  const rows = aliasesIn(tree, tables)
  return collectNames(tree, rows, new Map(names.map(name => [name.toLowerCase(), name])), used) ? [...used] : names
}

/** Adds key and columns of measures. One that is unknown is refused where it is checked, over all columns. */
function keyed(
  step: AggregateStep | PickStep,
  known: ReadonlyMap<string, string>,
  used: Set<string>,
): readonly string[] | undefined {
  const names = Object.values(step.measures).flatMap(measuredColumns)
  for (const name of [...step.by, ...names]) {
    const column = known.get(name.toLowerCase())
    if (column === undefined) return undefined
    used.add(column)
  }
  return [...used]
}

/** Returns the names that a condition uses; all where it may use any. */
export async function conditionColumns(
  connection: DuckDBConnection,
  condition: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const tree = await parseExpression(connection, condition, 'where').catch(() => undefined)
  return tree ? treeColumns(tree, ['input'], names) : names
}

/** Returns the names by which whole rows can be meant. */
function aliasesIn(tree: Node, tables: readonly string[] = ['input']): ReadonlySet<string> {
  const found = new Set(tables.map(table => table.toLowerCase()))
  for (const { alias, type } of nodesIn(tree))
    if (typeof type === 'string' && type.endsWith('_TABLE') && typeof alias === 'string') found.add(alias.toLowerCase())
  return found
}

/** Adds the names in a tree; false where something in it may mean all columns. */
function collectNames(
  tree: Node,
  rows: ReadonlySet<string>,
  known: ReadonlyMap<string, string>,
  used: Set<string>,
): boolean {
  for (const node of nodesIn(tree)) {
    const { class: kind, column_names: path, using_columns: using, column_name_alias: renamed, ref_type: join } = node
    if (kind === 'STAR' || kind === 'POSITIONAL_REFERENCE' || join === 'NATURAL' || list(renamed).length > 0)
      return false
    const names = [...((path ?? []) as readonly string[]), ...((using ?? []) as readonly string[])]
    if (kind === 'COLUMN_REF' && names.length === 1 && rows.has(String(names[0]).toLowerCase())) return false
    for (const name of names) {
      const column = known.get(String(name).toLowerCase())
      if (column !== undefined) used.add(column)
    }
  }
  return true
}
