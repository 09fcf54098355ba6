/** Queries with bound values, which become the engine's. */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBListValue,
  type DuckDBMaterializedResult,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  INTEGER,
  LIST,
  listValue,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api'
import type { SqlValue } from '../../define/definition.ts'

/** A query and the values bound to its `$1`, `$2`, … */
export interface BoundQuery {
  readonly sql: string
  readonly values: readonly DuckDBValue[]
}

/** A statement's result, with the values of its placeholders. */
export const runBound = (
  connection: DuckDBConnection,
  { sql, values }: BoundQuery,
): Promise<DuckDBMaterializedResult> => connection.run(sql, [...values], boundTypes(values))

/** A value as the engine takes it. */
export function bindable(value: SqlValue): DuckDBValue {
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
