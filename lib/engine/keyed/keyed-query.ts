/** The queries of steps over rows of which those of one key are together: aggregates of a key, and its latest row. */
import type { AggregateStep, KeyedStep, LatestStep, Measure } from '../../define/steps/exchange-definition.ts'
import { measuredColumns } from '../../define/tasks/task-stages.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nearestOrAll } from '../../errors/nearest.ts'
import { checkInBoth, comparable, compared } from './compared-column.ts'
import type { MeasuredColumn, StateSql } from './measure-kind.ts'
import { measureKind, stateColumn, stateIn, stateName } from './measure-sql.ts'

/** Returns the query of a step over the rows of `input`, a query with the columns `given`. @throws DEFINITION_INVALID */
export function keyedQuery(step: KeyedStep, given: readonly EngineColumn[], input: string): string {
  for (const name of step.by) requireColumn(name, given, `${step.kind === 'latest' ? 'distinct' : 'reduce'}: by`)
  const query: (step: never, given: readonly EngineColumn[], input: string) => string = queries[step.kind]
  return query(step as never, given, input)
}

const queries: {
  readonly [K in KeyedStep['kind']]: (
    step: Extract<KeyedStep, { readonly kind: K }>,
    given: readonly EngineColumn[],
    input: string,
  ) => string
} = {
  aggregate: (step, given, input) => aggregates[step.phase](step, given, input),
  latest: latestQuery,
  pick({ by, measures }, given, input) {
    // The next stage has other types, of which the own ones cannot be seen.
    for (const [name, measure] of Object.entries(measures)) measured(measure, name, given)
    const columns = new Set([...by, ...Object.values(measures).flatMap(measuredColumns)])
    return `SELECT ${[...columns].map(quoteName).join(', ')} FROM (${input})`
  },
}

type AggregateQuery = (step: AggregateStep, given: readonly EngineColumn[], input: string) => string

const aggregates: { readonly [P in AggregateStep['phase']]: AggregateQuery } = {
  partial: (step, given, input) =>
    grouped(step, input, (measure, name, index) => named(partialState(measure, name, given), index)),
  whole: (step, given, input) => {
    const isWhole = (measure: Measure): boolean => measureKind(measure).whole !== undefined
    const values = grouped(step, input, (measure, name, index) => {
      const whole = measureKind(measure).whole?.(measure, measured(measure, name, given))
      return whole ? [`${whole} AS ${quoteName(name)}`] : named(partialState(measure, name, given), index)
    })
    return finished(step, values, (measure, name) =>
      isWhole(measure) ? undefined : partialState(measure, name, given),
    )
  },
  combine: (step, given, input) =>
    grouped(step, input, (measure, _, index) => named(combined(measure, index, given), index)),
  final: (step, given, input) =>
    finished(step, aggregates.combine(step, given, input), (measure, _, index) => combined(measure, index, given)),
}

/** Returns the query of the measures over their states, or over the values of measures that have none. */
function finished(
  { by, measures }: AggregateStep,
  states: string,
  stateOf: (measure: Measure, name: string, index: number) => StateSql | undefined,
): string {
  const values = Object.entries(measures).map(([name, measure], index) => {
    const state = stateOf(measure, name, index)
    const value = state && measureKind(measure).finish(columnsOfState(state, index), name, measure)
    return value === undefined ? quoteName(name) : `${value} AS ${quoteName(name)}`
  })
  return `SELECT ${[...by.map(quoteName), ...values].join(', ')} FROM (${states})`
}

/**
 * Returns a query of the same columns as that of the step, with the state of each row by itself; undefined for a measure that has none.
 * `columns` are those of the step's query.
 */
export function rowStates(
  { by, measures }: AggregateStep,
  given: readonly EngineColumn[],
  { input, columns }: { readonly input: string; readonly columns: readonly EngineColumn[] },
): string | undefined {
  const values = new Map(by.map(name => [name, quoteName(name)]))
  for (const [index, [name, measure]] of Object.entries(measures).entries()) {
    const state = measureKind(measure).row?.(measure, measured(measure, name, given))
    if (!state) return undefined
    for (const [suffix, sql] of Object.entries(state)) values.set(stateName(index, suffix), sql)
  }
  const list = columns.map(({ name, type }) => `CAST(${values.get(name)} AS ${type}) AS ${quoteName(name)}`)
  return `SELECT ${list.join(', ')} FROM (${input})`
}

const partialState = (measure: Measure, name: string, given: readonly EngineColumn[]): StateSql =>
  measureKind(measure).partial(measure, measured(measure, name, given))

const combined = (measure: Measure, index: number, given: readonly EngineColumn[]): StateSql =>
  measureKind(measure).combine(stateIn(index, given), measure)

const columnsOfState = (state: StateSql, index: number): StateSql =>
  Object.fromEntries(Object.keys(state).map(suffix => [suffix, stateColumn(index, suffix)]))

const named = (state: StateSql, index: number): string[] =>
  Object.entries(state).map(([suffix, sql]) => `${sql} AS ${stateColumn(index, suffix)}`)

function grouped(
  { by, measures }: AggregateStep,
  input: string,
  columnsOf: (measure: Measure, name: string, index: number) => readonly string[],
): string {
  const columns = Object.entries(measures).flatMap(([name, measure], index) => columnsOf(measure, name, index))
  const keys = by.map(quoteName)
  return `SELECT ${[...keys, ...columns].join(', ')} FROM (${input}) GROUP BY ${keys.join(', ')}`
}

function measured(measure: Measure, name: string, given: readonly EngineColumn[]): MeasuredColumn | undefined {
  const { kind, column } = measure
  if (measure.kind === 'aggregate')
    for (const each of measure.columns) {
      const at = `reduce: measures.${name}: columns`
      checkInBoth(String(requireColumn(each, given, at).type), `${at}: ${each}`)
    }
  if (column === undefined) return undefined
  const where = `reduce: measures.${name}: ${kind}('${column}')`
  const found = requireColumn(column, given, where)
  const orderBy = 'orderBy' in measure ? measure.orderBy : []
  const order = orderBy.map(each => compared(requireColumn(each, given, `${where}: orderBy`), `${where}: orderBy`))
  const sql = measureKind(measure).compares ? compared(found, where) : quoteName(column)
  return { sql, type: found.type, where, orderBy: order }
}

/**
 * Keeps the first row of each key by `latest`, the greatest before the others, and then by all columns: the same row whatever the order
 * of the rows. A window, because it spills to disk where an aggregate of whole rows would not, and takes half its time.
 */
function latestQuery({ by, latest }: LatestStep, given: readonly EngineColumn[], input: string): string {
  const where = 'distinct: latest'
  const first = latest === undefined ? [] : [compared(requireColumn(latest, given, where), where)]
  const order = [...first, ...given.map(comparable)]
  const window = `PARTITION BY ${by.map(quoteName).join(', ')} ORDER BY ${order.map(value => `${value} DESC NULLS LAST`).join(', ')}`
  return `SELECT * FROM (${input}) QUALIFY row_number() OVER (${window}) = 1`
}

function requireColumn(name: string, given: readonly EngineColumn[], where: string): EngineColumn {
  const found = given.find(column => column.name === name)
  if (found) return found
  const names = given.map(column => column.name)
  const message = `${where}: expected a column of the rows, got ${name}; ${nearestOrAll(name, names)}`
  throw new PermanentError('DEFINITION_INVALID', message, { name, names })
}
