/** A kind of measure: the SQL of its states and of its value. */
import type { DuckDBType } from '@duckdb/node-api'
import type { Measure } from '../../define/steps/exchange-definition.ts'
import { PermanentError } from '../../errors/errors.ts'

/** A column that a measure reads. */
export interface MeasuredColumn {
  readonly sql: string
  readonly type: DuckDBType
  /** Names measure and column for messages. */
  readonly where: string
  /** The columns of its order, as SQL. */
  readonly orderBy: readonly string[]
}

/** SQL expressions of a state by suffix of their columns. */
export type StateSql = Readonly<Record<string, string>>

export interface MeasureKind<M extends Measure = Measure> {
  /** The measure is about the order of its values, which then have to have one. Absent for others. */
  readonly compares?: true
  /** Returns the state of the rows of a key. @throws DEFINITION_INVALID for a column of another type */
  partial(measure: M, column: MeasuredColumn | undefined): StateSql
  /** Returns the state of a single row, for keys that rarely repeat. Absent where a state is never of one row. */
  row?(measure: M, column: MeasuredColumn | undefined): StateSql
  /** Returns the state that joins several states, whose columns `state` names. */
  combine(state: StateSql, measure: M): StateSql
  /** Returns the measure of a state. `name` is that of its column, for messages. */
  finish(state: StateSql, name: string, measure: M): string
  /** Computes the measure of all rows of a key at once, where it cannot be combined. */
  whole?(measure: M, column: MeasuredColumn | undefined): string
}

/** Whether sums of a type are exact whole numbers. */
export const isInteger = (type: DuckDBType): boolean =>
  /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(String(type))

/** @throws DEFINITION_INVALID for a column that has no numbers */
export function numeric(column: MeasuredColumn | undefined): MeasuredColumn {
  if (column && (isInteger(column.type) || /^(FLOAT|DOUBLE|DECIMAL\(.*)$/.test(String(column.type)))) return column
  const message = `${column?.where}: expected a column of numbers, got ${String(column?.type)}; cast it in a step before`
  throw new PermanentError('DEFINITION_INVALID', message)
}
