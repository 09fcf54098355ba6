/** A column that a measure reads, and whether it has numbers. */
import { type DuckDBType, DuckDBTypeId } from '@duckdb/node-api'
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

/** Types whose sums are exact whole numbers. */
export const integers: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
])
const others: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL])

/** @throws DEFINITION_INVALID for a column that has no numbers */
export function numeric(column: MeasuredColumn | undefined): MeasuredColumn {
  if (column && (integers.has(column.type.typeId) || others.has(column.type.typeId))) return column
  const message = `${column?.where}: expected a column of numbers, got ${String(column?.type)}; cast it in a step before`
  throw new PermanentError('DEFINITION_INVALID', message)
}
