/** A task's steps over rows with a hidden column for their place, so that it is known which record a function rejects. */
import { rmSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SqlStep } from '../../define/definition.ts'
import { type BoundQuery, bindable, runBound } from '../duckdb/bound-query.ts'
import { quoteName } from '../duckdb/quote.ts'
import { parseSelect, selectWithColumn } from '../sql/syntax.ts'
import { loadCodeRejects, placeColumn } from './code-rejects.ts'
import { learnOrThrow, type MapFunctions } from './map-function.ts'
import type { SchemaColumn } from './schema-column.ts'
import { allRows, applyMap, type CheckedTransform, stepSql } from './transform.ts'

export interface CollectOptions {
  readonly transform: CheckedTransform
  readonly maps: MapFunctions
  /** Where the rejects are kept meanwhile; nothing is there yet. */
  readonly file: string
  /** Runs before each try. */
  readonly begin: () => Promise<void>
}

/**
 * Runs the steps as far as the last function, and makes the table `fanmill_code_rejects` of the records that functions reject.
 * `input` has the place of its rows. Writes nothing else.
 */
export async function collectCodeRejects(
  connection: DuckDBConnection,
  input: string,
  options: CollectOptions,
): Promise<void> {
  const { file } = options
  try {
    let isDone = false
    while (!isDone) isDone = await isCollected(connection, input, options)
    await loadCodeRejects(connection, file)
  } finally {
    rmSync(file, { force: true })
  }
}

/** False where the query must be built again, with what was learned of a function. */
async function isCollected(
  connection: DuckDBConnection,
  input: string,
  { transform, maps, file, begin }: CollectOptions,
): Promise<boolean> {
  await begin()
  const query = await placedTransform(connection, input, transform, maps)
  const rejects = maps.keepRejects(file)
  try {
    await runBound(connection, { ...query, sql: `SELECT count(${placeColumn}) FROM (${query.sql})` })
    return true
  } catch (error) {
    learnOrThrow(maps, error)
    return false
  } finally {
    rejects.close()
  }
}

async function placedTransform(
  connection: DuckDBConnection,
  input: string,
  { steps }: CheckedTransform,
  maps: MapFunctions,
): Promise<BoundQuery> {
  const last = steps.findLastIndex(({ step }) => step.kind !== 'sql')
  let query: BoundQuery = { sql: `SELECT * FROM (${input}) LIMIT ${allRows}`, values: [] }
  for (const [index, { step, given }] of steps.slice(0, last + 1).entries()) {
    if (step.kind === 'sql') query = await placedSql(connection, query, step, steps[index + 1]?.given ?? [])
    else query = { ...query, sql: applyMap(query.sql, step, given, { index, maps, isPlaced: true }) }
  }
  return query
}

/** The user's statement with the place as one more column; its other columns are those that it is known to give. */
async function placedSql(
  connection: DuckDBConnection,
  query: BoundQuery,
  step: SqlStep,
  gives: readonly SchemaColumn[],
): Promise<BoundQuery> {
  const sql = await withPlace(connection, stepSql(step, query.values.length + 1))
  const names = gives.map(({ name }) => quoteName(name)).join(', ')
  return {
    sql: `WITH input AS NOT MATERIALIZED (${query.sql}) SELECT ${names}, ${passedPlace} AS ${placeColumn} FROM (${sql}\n)`,
    values: [...query.values, ...step.values.map(bindable)],
  }
}

/** Another name, because `select *` gives the column as well. */
const passedPlace = `${placeColumn}_passed`

/** A statement that sees each row on its own is one SELECT with `input` once in FROM. */
async function withPlace(connection: DuckDBConnection, sql: string): Promise<string> {
  const select = await parseSelect(connection, sql, 'transform')
  const place = { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: passedPlace, column_names: [placeColumn] }
  return selectWithColumn(connection, select, place)
}
