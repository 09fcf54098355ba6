/** Checks the SQL of own aggregates. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { AggregateStep, KeyedStep, OwnAggregate } from '../../define/steps/exchange-definition.ts'
import { withStates } from '../../define/steps/own-aggregate.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import { allowedExpression } from '../../sql/allowed.ts'
import { orderedAggregate } from '../../sql/bucket-wise.ts'
import { collatedAggregate } from '../../sql/collation.ts'
import { checkFunctions, refusal } from '../../sql/row-wise.ts'
import { conditionColumns } from '../read/used-columns.ts'
import { checkInBoth } from './compared-column.ts'
import { stateName } from './measure-sql.ts'

/**
 * Checks that each expression is one, reads only the columns that it names, and does not depend on an order of the rows.
 * @throws DEFINITION_INVALID, SQL_INVALID, SQL_NOT_ROWWISE with the name of the measure
 */
export async function checkAggregates(
  connection: DuckDBConnection,
  step: KeyedStep,
  columns: readonly string[],
): Promise<void> {
  if (step.kind !== 'aggregate') return
  // Later phases have states in place of the columns that `partial` reads.
  const read = step.phase === 'partial' || step.phase === 'whole' ? columns : []
  for (const [name, measure] of Object.entries(step.measures))
    if (measure.kind === 'aggregate')
      await checkOwn(connection, measure, { where: `reduce: measures.${name}`, columns: read })
}

/**
 * Checks the types of the states of own aggregates: how often they are joined depends on how rows are cut, and must change neither a type
 * nor an order. `states` are the columns of the step, and `joined` those of its states when they are joined. @throws DEFINITION_INVALID with the name of the measure, and the type to cast to
 */
export function checkStates(
  { measures }: AggregateStep,
  { states, joined }: Readonly<Record<'states' | 'joined', readonly EngineColumn[]>>,
): void {
  for (const [index, [name, measure]] of Object.entries(measures).entries()) {
    if (measure.kind !== 'aggregate') continue
    for (const state of Object.keys(measure.partial)) {
      const column = stateName(index, state)
      const [type, again] = [typeIn(states, column), typeIn(joined, column)]
      checkInBoth(type, `reduce: measures.${name}: partial.${state}`)
      if (again === type) continue
      const where = `reduce: measures.${name}: combine.${state}`
      const message = `${where}: expected the type of the state, ${type}, as states are joined any number of times, got ${again}; cast it to ${type}, or cast the state in partial`
      throw new PermanentError('DEFINITION_INVALID', message, { where, state, type, got: again })
    }
  }
}

const typeIn = (columns: readonly EngineColumn[], name: string): string =>
  String(columns.find(column => column.name === name)?.type)

async function checkOwn(
  connection: DuckDBConnection,
  { columns: named, partial, combine, finish }: OwnAggregate,
  { where, columns }: { readonly where: string; readonly columns: readonly string[] },
): Promise<void> {
  const check = (option: string, sql: string) => checkExpression(connection, sql, `${where}: ${option}`)
  const checkStated = (option: string, sql: string) => check(option, withStates(sql, quoteName))
  for (const [state, sql] of Object.entries(partial)) {
    await check(`partial.${state}`, sql)
    const used = await conditionColumns(connection, sql, columns)
    const other = used.find(column => !named.includes(column))
    if (other !== undefined) {
      const message = `${where}: columns: expected the columns that partial reads, got none named ${other}`
      throw new PermanentError('DEFINITION_INVALID', message, { where, column: other })
    }
  }
  for (const [state, sql] of Object.entries(combine)) await checkStated(`combine.${state}`, sql)
  await checkStated('finish', finish)
}

async function checkExpression(connection: DuckDBConnection, sql: string, where: string): Promise<void> {
  const expression = await allowedExpression(connection, sql, where)
  const effect = 'make the value depend on how rows are cut into slices; name an order, or leave it out'
  const refuse = refusal(where, sql, effect)
  checkFunctions(expression, undefined, refuse)
  const ordered = orderedAggregate(expression)
  if (ordered !== undefined) refuse(`the aggregate ${ordered} without ORDER BY`)
  const collated = collatedAggregate(expression)
  if (collated !== undefined) refuse(`COLLATE in the aggregate ${collated}`)
}
