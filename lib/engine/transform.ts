/** A task's steps as one query over `input`, and its check against empty typed inputs before any data is read. */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBListValue,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  INTEGER,
  LIST,
  listValue,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { MapBatchesStep, MapRowsStep, SqlStep, SqlValue, Step } from '../define/definition.ts'
import type { MapFunctions } from './map-function.ts'
import { quoteName } from './quote.ts'
import { checkRowWise } from './row-wise.ts'

/** A query and the values bound to its `$1`, `$2`, … */
export interface BoundQuery {
  readonly sql: string
  readonly values: readonly DuckDBValue[]
}

export interface SchemaColumn {
  readonly name: string
  readonly type: DuckDBType
}

/** The steps in order, each with the columns that it is given. */
export interface CheckedTransform {
  readonly steps: readonly { readonly step: Step; readonly given: readonly SchemaColumn[] }[]
  /** The columns that come out. */
  readonly schema: readonly SchemaColumn[]
  /** Whether some step may drop or add rows. */
  readonly changesRowCount: boolean
}

/**
 * Checks each step against the columns that the steps before it give.
 * @throws SQL_NOT_ROWWISE, SQL_INVALID with the nearest names for an unknown column
 */
export async function checkTransform(
  connection: DuckDBConnection,
  input: string,
  steps: readonly Step[],
  maps: MapFunctions,
): Promise<CheckedTransform> {
  const checked: { step: Step; given: readonly SchemaColumn[] }[] = []
  let query: BoundQuery = { sql: input, values: [] }
  let given = await describe(connection, query, 'columns', [])
  for (const [index, step] of steps.entries()) {
    const where = nameOf(steps, index)
    if (step.kind === 'sql' && step.scope === 'row')
      await checkRowWise(
        connection,
        stepSql(step, 1),
        where,
        given.map(column => column.name),
      )
    checked.push({ step, given })
    query = applyStep(query, step, given, index, maps)
    given = await describe(connection, query, where, given)
  }
  return { steps: checked, schema: given, changesRowCount: steps.length > 0 }
}

/** A task's `where` is the first step, and none of its `transform`. */
function nameOf(steps: readonly Step[], index: number): string {
  const isWhere = (step: Step | undefined): boolean => step?.kind === 'sql' && step.clause === 'where'
  if (isWhere(steps[index])) return 'where'
  return `transform step ${isWhere(steps[0]) ? index : index + 1}`
}

/** Deliberately a limit that never cuts, because no filter moves below a limit: the rows that enter are counted there, and checked. */
const allRows = '9223372036854775807'

/** The whole query of the checked steps over an input query. */
export function applyTransform(input: string, transform: CheckedTransform, maps: MapFunctions): BoundQuery {
  if (transform.steps.length === 0) return { sql: input, values: [] }
  let query: BoundQuery = { sql: `SELECT * FROM (${input}) LIMIT ${allRows}`, values: [] }
  for (const [index, { step, given }] of transform.steps.entries()) query = applyStep(query, step, given, index, maps)
  return query
}

function applyStep(
  query: BoundQuery,
  step: Step,
  given: readonly SchemaColumn[],
  index: number,
  maps: MapFunctions,
): BoundQuery {
  if (step.kind === 'sql') return applySql(query, step)
  return { sql: applyMap(query.sql, step, given, index, maps), values: query.values }
}

function applySql(query: BoundQuery, step: SqlStep): BoundQuery {
  const sql = stepSql(step, query.values.length + 1)
  return {
    sql: `WITH input AS NOT MATERIALIZED (${query.sql}) SELECT * FROM (${sql}\n)`,
    values: [...query.values, ...step.values.map(bindable)],
  }
}

/** The step's text with numbered placeholders, beginning at `first`. */
function stepSql(step: SqlStep, first: number): string {
  const text = step.texts.reduce((sql, part, index) => `${sql}$${first + index - 1}${part}`)
  return text.replace(/[;\s]+$/, '').trim()
}

function bindable(value: SqlValue): DuckDBValue {
  if (!Array.isArray(value)) return value as DuckDBValue
  return listValue(typeOfItems(value) === BIGINT ? value.map(item => BigInt(item)) : value)
}

/** The engine's types of bound values, as columns have them: a list without items has none that it could guess. */
export const boundTypes = (values: readonly DuckDBValue[]): DuckDBType[] =>
  values.map(value => (value instanceof DuckDBListValue ? LIST(typeOfItems(value.items)) : typeOfItems([value])))

function typeOfItems(items: readonly unknown[]): DuckDBType {
  if (items.length === 0 || items[0] === null) return SQLNULL
  if (typeof items[0] === 'string') return VARCHAR
  if (typeof items[0] === 'boolean') return BOOLEAN
  if (items.every(item => Number.isInteger(item) && Math.abs(item as number) < 2 ** 31)) return INTEGER
  if (items.every(item => Number.isSafeInteger(item))) return BIGINT
  if (typeof items[0] === 'bigint') return BigInt.asIntN(64, items[0]) === items[0] ? BIGINT : HUGEINT
  return DOUBLE
}

function applyMap(
  input: string,
  step: MapRowsStep | MapBatchesStep,
  given: readonly SchemaColumn[],
  index: number,
  maps: MapFunctions,
): string {
  const map = maps.register(step, given, index)
  const call = `${map.name}(${[...map.prefix, ...given.map(column => quoteName(column.name))].join(', ')})`
  const mapped = map.isMany ? `unnest(${call})` : call
  const kept = given.filter(column => !map.writes.includes(column.name)).map(column => quoteName(column.name))
  const order = [
    ...given.map(column => column.name),
    ...map.writes.filter(name => !given.some(each => each.name === name)),
  ]
  const list = order.map(name => {
    const column = quoteName(name)
    return map.writes.includes(name) ? `_fanmill_mapped.${column} AS ${column}` : column
  })
  // A result that no later step reads would never be asked for; but the function may drop the row, or throw.
  const called = map.isMany ? '' : ' WHERE _fanmill_mapped IS NOT NULL'
  return `SELECT ${list.join(', ')} FROM (SELECT ${[...kept, `${mapped} AS _fanmill_mapped`].join(', ')} FROM (${input}))${called}`
}

async function describe(
  connection: DuckDBConnection,
  query: BoundQuery,
  where: string,
  given: readonly SchemaColumn[],
): Promise<SchemaColumn[]> {
  try {
    const result = await connection.run(
      `SELECT * FROM (${query.sql}) LIMIT 0`,
      [...query.values],
      boundTypes(query.values),
    )
    const columns = result.columnNames().map((name, index) => ({ name, type: result.columnType(index) }))
    checkNames(columns, where)
    return columns
  } catch (error) {
    if (error instanceof PermanentError) throw error
    throw new PermanentError(
      'SQL_INVALID',
      `${where}: ${explain(error, given)}`,
      { where, sql: query.sql },
      { cause: error },
    )
  }
}

function checkNames(columns: readonly SchemaColumn[], where: string): void {
  const seen = new Set<string>()
  for (const { name } of columns) {
    const key = name.toLowerCase()
    if (seen.has(key))
      throw new PermanentError('SQL_INVALID', `${where}: column ${name} comes out twice; name one of them otherwise`, {
        where,
        name,
      })
    seen.add(key)
  }
}

/** The engine's own words, with the nearest column or table when it knows no such name. */
function explain(error: unknown, given: readonly SchemaColumn[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const unknown = /column(?: named)? "([^"]+)"/.exec(message)?.[1]
  const line = message.split('\n')[0] ?? message
  const table = /Table with name (\S+) does not exist/.exec(message)?.[1]
  if (table !== undefined) {
    const meant = /Did you mean "([^"]+)"/.exec(message)?.[1]
    return `unknown table ${table}${meant === undefined ? '' : `; did you mean ${meant}`}`
  }
  if (unknown === undefined) return line
  const names = given.map(column => column.name)
  const close = nearest(unknown, names)
  return `unknown column ${unknown}; ${close.length > 0 ? `did you mean ${close.join(', ')}` : `there are ${names.join(', ')}`}`
}
