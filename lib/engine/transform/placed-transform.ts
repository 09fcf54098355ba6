/** Runs a task's steps over rows with a hidden column for their place, to find the records that functions reject. */
import { rmSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SqlStep } from '../../define/definition.ts'
import { type BoundQuery, bindable, runBound } from '../../duckdb/bound-query.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { parseSelect, selectWithColumn } from '../../sql/syntax.ts'
import { dropScanErrors } from '../write/reject-rows.ts'
import { loadCodeRejects, placeColumn } from './code-rejects.ts'
import { learnOrThrow, type MapFunctions } from './map-function.ts'
import { stepSql } from './step-sql.ts'
import { allRows, applyMap, type CheckedStep, type CheckedTransform } from './transform.ts'

export interface CollectOptions {
  readonly transform: CheckedTransform
  readonly maps: MapFunctions
  /** Path of a temporary file for the rejects; nothing is there yet. */
  readonly file: string
}

/**
 * Runs the steps up to the last function, and makes the table `fanmill_code_rejects` of the records that functions reject.
 * The rows of `input` have their place. Writes no output.
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

/** Returns false when the query must be built again because a function returned something else than expected. */
async function isCollected(
  connection: DuckDBConnection,
  input: string,
  { transform, maps, file }: CollectOptions,
): Promise<boolean> {
  await dropScanErrors(connection)
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
  const last = steps.findLastIndex(({ step }) => 'map' in step)
  let query: BoundQuery = { sql: `SELECT * FROM (${input}) LIMIT ${allRows}`, values: [] }
  for (const [index, { step, given, uncollated }] of steps.slice(0, last + 1).entries()) {
    if (step.kind === 'sql')
      query = await placedSql(connection, query, step, { gives: steps[index + 1]?.given ?? [], uncollated })
    else if ('map' in step) query = { ...query, sql: applyMap(query.sql, step, given, { index, maps, isPlaced: true }) }
  }
  return query
}

/** Adds the place as one more column to the user's statement; `gives` are its other columns, and `uncollated` those of them that lose a collation. */
async function placedSql(
  connection: DuckDBConnection,
  query: BoundQuery,
  step: SqlStep,
  { gives, uncollated }: { readonly gives: readonly EngineColumn[] } & Pick<CheckedStep, 'uncollated'>,
): Promise<BoundQuery> {
  const sql = await withPlace(connection, stepSql(step, query.values.length + 1))
  const names = gives.map(({ name }) => `${uncollated?.get(name) ?? quoteName(name)} AS ${quoteName(name)}`).join(', ')
  return {
    sql: `WITH input AS NOT MATERIALIZED (${query.sql}) SELECT ${names}, ${passedPlace} AS ${placeColumn} FROM (${sql}\n)`,
    values: [...query.values, ...step.values.map(bindable)],
  }
}

/** Another name than `placeColumn`, which `select *` also returns. */
const passedPlace = `${placeColumn}_passed`

/** Adds the place in the parse tree: a statement that sees each row on its own is one SELECT with `input` once in FROM. */
async function withPlace(connection: DuckDBConnection, sql: string): Promise<string> {
  const select = await parseSelect(connection, sql, 'transform')
  const place = { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: passedPlace, column_names: [placeColumn] }
  return selectWithColumn(connection, select, place)
}
