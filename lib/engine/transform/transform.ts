/** A task's steps as one query over `input`, and its check against empty typed inputs before any data is read. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { MapBatchesStep, MapRowsStep, SqlStep, Step } from '../../define/definition.ts'
import type { KeyedStep } from '../../define/steps/exchange-definition.ts'
import { type BoundQuery, bindable, runBound } from '../../duckdb/bound-query.ts'
import { engineFault } from '../../duckdb/engine.ts'
import { columnNames, columnsOf, type EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import { hasCode } from '../../errors/expected.ts'
import { conditionOf } from '../../model/run/resolve-task.ts'
import { selectOverInput } from '../../sql/allowed.ts'
import { checkBucketWise, keepsKey } from '../../sql/bucket-wise.ts'
import { checkNames, checkStatement, type StatementCheck } from '../../sql/check-statement.ts'
import { explainSql } from '../../sql/explain.ts'
import { checkRowWise } from '../../sql/row-wise.ts'
import { type Node, parseExpression } from '../../sql/syntax.ts'
import { checkAggregates, checkStates } from '../keyed/check-aggregates.ts'
import { keyedQuery } from '../keyed/keyed-query.ts'
import { placeColumn } from './code-rejects.ts'
import { dropCollation } from './drop-collation.ts'
import { listsByKey } from './key-batches.ts'
import type { MapFunctions } from './map-function.ts'
import { stepSql } from './step-sql.ts'

/** A step with its input columns. */
export interface CheckedStep {
  readonly step: Step
  readonly given: readonly EngineColumn[]
  /** The key whose rows are together before the step; absent where no exchange came before. */
  readonly by?: readonly string[] | undefined
  /** SQL for columns of the step whose texts may have a collation, by name: their values without it. */
  readonly uncollated?: ReadonlyMap<string, string> | undefined
}

/** The steps in order, each with its input columns. */
export interface CheckedTransform {
  readonly steps: readonly CheckedStep[]
  readonly schema: readonly EngineColumn[]
}

export interface TransformCheck {
  /** A SELECT with the columns that enter, and no rows. */
  readonly input: string
  readonly steps: readonly Step[]
  readonly maps: MapFunctions
  readonly tables: readonly string[]
  /** The columns of the key whose rows are together; absent where no exchange came before. */
  readonly by?: readonly string[] | undefined
}

/**
 * Checks each step against the columns that the steps before it return.
 * @throws SQL_NOT_ROWWISE, SQL_INVALID with the nearest names for an unknown column
 */
export async function checkTransform(
  connection: DuckDBConnection,
  { input, steps, maps, tables, by }: TransformCheck,
): Promise<CheckedTransform> {
  const checked: CheckedStep[] = []
  let query: BoundQuery = { sql: input, values: [] }
  let given = await describe(connection, query, 'columns', [])
  let key = by
  for (const [index, step] of steps.entries()) {
    const where = nameOf(steps, index)
    const names = columnNames(given)
    const next = await checkStep(connection, step, { input: query, columns: names, where, tables, by: key })
    const own = { step, given, by: key }
    const described = await describe(connection, applyStep(query, own, index, maps), where, given)
    const whole = { ...own, uncollated: mayCollate(step) ? dropCollation(described) : undefined }
    checked.push(whole)
    query = applyStep(query, whole, index, maps)
    key = next
    if (step.kind === 'aggregate' && step.phase === 'partial') {
      const joining = { ...query, sql: keyedQuery({ ...step, phase: 'combine' }, described, query.sql) }
      checkStates(step, { states: described, joined: await describe(connection, joining, where, given) })
    }
    given = described
  }
  return { steps: checked, schema: given }
}

/** Whether the step may return a text with a collation; a condition returns its columns as they are. */
const mayCollate = (step: Step): boolean =>
  step.kind === 'sql' && step.clause !== 'where' && step.texts.some(text => /collate/i.test(text))

/** Returns the key whose rows are still together after the step; undefined where the step changes a column of it. */
async function checkStep(
  connection: DuckDBConnection,
  step: Step,
  given: Omit<StatementCheck, 'select'> & Pick<TransformCheck, 'tables' | 'by'>,
): Promise<readonly string[] | undefined> {
  const { columns, where, by } = given
  if (isKeyed(step)) {
    await checkAggregates(connection, step, columns)
    return by
  }
  if (step.kind !== 'sql') {
    const adds = Object.keys(step.adds)
    checkNames([...new Set([...columns, ...adds])], where, 'map')
    return by?.some(name => adds.includes(name)) ? undefined : by
  }
  const statement = { sql: stepSql(step, 1), values: step.values.map(bindable) }
  if (step.clause === 'where') await parseExpression(connection, conditionOf(statement.sql), where)
  const select = await checkParsed(connection, step, statement.sql, given)
  await checkStatement(connection, statement, { ...given, select })
  return by && keepsKey(select, by) ? by : undefined
}

/** @throws SQL_NOT_ROWWISE; DEFINITION_INVALID for the rows of a key that are not together */
function checkParsed(
  connection: DuckDBConnection,
  { scope }: SqlStep,
  sql: string,
  given: Pick<StatementCheck, 'columns' | 'where'> & Pick<TransformCheck, 'tables' | 'by'>,
): Promise<Node> {
  if (scope === 'row') return checkRowWise(connection, sql, given)
  if (scope === 'any-slice') return selectOverInput(connection, sql, given)
  const { by, where } = given
  if (by) return checkBucketWise(connection, sql, { ...given, by })
  const message = `${where}: expected the rows of a key together, as scope is 'bucket'; add .exchange({ by: […] }) before it, and return the columns of the key unchanged from each step in between`
  throw new PermanentError('DEFINITION_INVALID', message, { where })
}

/** Whether a step is over rows of which those of one key are together. */
export const isKeyed = (step: Step): step is KeyedStep =>
  step.kind === 'aggregate' || step.kind === 'latest' || step.kind === 'pick'

/** Names a step in messages. Conditions are the first steps, and not counted as one of its `transform`. */
function nameOf(steps: readonly Step[], index: number): string {
  const isWhere = (step: Step | undefined): boolean => step?.kind === 'sql' && step.clause === 'where'
  if (isWhere(steps[index])) return 'where'
  return `transform step ${index + 1 - steps.filter(isWhere).length}`
}

/** Deliberately a limit that never cuts, because the engine moves no filter below a limit: rows are counted and checked below it. */
export const allRows = '9223372036854775807'

/** Returns the query of all checked steps over an input query. */
export function applyTransform(input: string, transform: CheckedTransform, maps: MapFunctions): BoundQuery {
  if (transform.steps.length === 0) return { sql: input, values: [] }
  let query: BoundQuery = { sql: `SELECT * FROM (${input}) LIMIT ${allRows}`, values: [] }
  for (const [index, step] of transform.steps.entries()) query = applyStep(query, step, index, maps)
  return query
}

/** Returns a transform without its last step. */
export const withoutLast = (transform: CheckedTransform): CheckedTransform => ({
  ...transform,
  steps: transform.steps.slice(0, -1),
})

function applyStep(query: BoundQuery, checked: CheckedStep, index: number, maps: MapFunctions): BoundQuery {
  const { step, given, by, uncollated } = checked
  if (step.kind === 'sql') return applySql(query, step, uncollated)
  if (isKeyed(step)) return { ...query, sql: keyedQuery(step, given, query.sql) }
  return { sql: applyMap(query.sql, step, given, { index, maps, by }), values: query.values }
}

function applySql(query: BoundQuery, step: SqlStep, uncollated: CheckedStep['uncollated']): BoundQuery {
  const sql = stepSql(step, query.values.length + 1)
  const replaced = Array.from(uncollated ?? [], ([name, value]) => `${value} AS ${quoteName(name)}`)
  const list = replaced.length > 0 ? `* REPLACE (${replaced.join(', ')})` : '*'
  return {
    sql: `WITH input AS NOT MATERIALIZED (${query.sql}) SELECT ${list} FROM (${sql}\n)`,
    values: [...query.values, ...step.values.map(bindable)],
  }
}

export interface ApplyMap {
  readonly index: number
  readonly maps: MapFunctions
  /** The rows have the column of their place, which the output keeps. Default false. */
  readonly isPlaced?: boolean
  /** The key whose rows are together: a call of `mapBatches` then has all rows of a key. */
  readonly by?: readonly string[] | undefined
}

/** Returns the query of a map step over an input query with the columns `given`. */
export function applyMap(
  input: string,
  step: MapRowsStep | MapBatchesStep,
  given: readonly EngineColumn[],
  { index, maps, isPlaced = false, by }: ApplyMap,
): string {
  const isByKey = by !== undefined && step.kind === 'mapBatches'
  const map = maps.register(step, given, { index, isPlaced, isByKey })
  const place = isPlaced ? [placeColumn] : []
  const call = `${map.name}(${[...given.map(column => quoteName(column.name)), ...place].join(', ')})`
  const mapped = map.isMany ? `unnest(${call})` : call
  const unchanged = given.filter(column => !map.writes.includes(column.name)).map(({ name }) => keptName(name, isByKey))
  const rows = isByKey ? listsByKey(input, given, by) : input
  const kept = [...unchanged, ...place]
  const order = [...columnNames(given), ...map.writes.filter(name => !given.some(each => each.name === name))]
  const list = order.map(name => {
    const column = quoteName(name)
    return map.writes.includes(name) ? `_fanmill_mapped.${column} AS ${column}` : column
  })
  // The engine does not compute a result that no later step reads; but the function may drop the row, or throw.
  const called = map.isMany ? '' : ' WHERE _fanmill_mapped IS NOT NULL'
  return `SELECT ${[...list, ...place].join(', ')} FROM (SELECT ${[...kept, `${mapped} AS _fanmill_mapped`].join(', ')} FROM (${rows}))${called}`
}

/** Returns a column that passes by a function, as SQL: the lists of a key become rows again. */
const keptName = (name: string, isList: boolean): string =>
  isList ? `unnest(${quoteName(name)}) AS ${quoteName(name)}` : quoteName(name)

async function describe(
  connection: DuckDBConnection,
  query: BoundQuery,
  where: string,
  given: readonly EngineColumn[],
): Promise<EngineColumn[]> {
  try {
    const result = await runBound(connection, { ...query, sql: `SELECT * FROM (${query.sql}) LIMIT 0` })
    return columnsOf(result)
  } catch (error) {
    // An interrupt or a lack of memory says nothing about the statement.
    const fault = engineFault(error)
    if (!hasCode(fault, 'ENGINE_FAILED')) throw fault
    throw new PermanentError(
      'SQL_INVALID',
      `${where}: ${explainSql(error, columnNames(given))}`,
      { where, sql: query.sql },
      { cause: error },
    )
  }
}
