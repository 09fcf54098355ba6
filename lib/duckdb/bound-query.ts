/** Queries with bound values, and the engine's values for them. */
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
import type { SqlValue } from '../define/definition.ts'

/** A query and the values bound to its `$1`, `$2`, … */
export interface BoundQuery {
  readonly sql: string
  readonly values: readonly DuckDBValue[]
  /** The types of its columns, where some need other files. */
  readonly types?: readonly string[]
}

/** Runs a statement with the values of its placeholders. */
export const runBound = (
  connection: DuckDBConnection,
  { sql, values }: BoundQuery,
): Promise<DuckDBMaterializedResult> => connection.run(sql, [...values], boundTypes(values))

/** Converts a value for the engine. */
export function bindable(value: SqlValue): DuckDBValue {
  if (!Array.isArray(value)) return value as DuckDBValue
  return listValue(typeOfItems(value) === BIGINT ? value.map(item => BigInt(item)) : value)
}

/** Returns the column types of bound values, because the engine cannot guess the type of a list without items. */
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
