/** Finds the columns that the first steps of a task use, where their SQL shows it. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Step } from '../../define/definition.ts'
import type { AggregateStep, PickStep } from '../../define/steps/exchange-definition.ts'
import { measuredColumns } from '../../define/tasks/task-stages.ts'
import { engineName } from '../../errors/engine-name.ts'
import { conditionOf, returnsAll } from '../../model/run/resolve-task.ts'
import { parseExpression, parseSelect } from '../../sql/syntax.ts'
import { aliasesIn, collectNames, treeColumns } from '../../sql/tree-columns.ts'
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
  const known = new Map(names.map(name => [engineName(name), name]))
  for (const step of steps) {
    if (step.kind === 'aggregate' || step.kind === 'pick') return keyed(step, known, used)
    if (step.kind !== 'sql') return undefined
    const sql = stepSql(step, 1)
    // A condition of the source returns the columns that it lists.
    const isCondition = step.clause === 'where' && returnsAll(sql)
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

/** Adds key and columns of measures. One that is unknown is refused where it is checked, over all columns. */
function keyed(
  step: AggregateStep | PickStep,
  known: ReadonlyMap<string, string>,
  used: Set<string>,
): readonly string[] | undefined {
  const names = Object.values(step.measures).flatMap(measuredColumns)
  for (const name of [...step.by, ...names]) {
    const column = known.get(engineName(name))
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
