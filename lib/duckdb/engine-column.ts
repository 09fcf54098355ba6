/** A column as the engine describes it, with its type in the engine. */
import type { DuckDBResult, DuckDBType } from '@duckdb/node-api'

export interface EngineColumn {
  readonly name: string
  readonly type: DuckDBType
}

/** Returns the columns of a result. */
export function columnsOf(result: DuckDBResult): EngineColumn[] {
  return result.columnNames().map((name, index) => ({ name, type: result.columnType(index) }))
}

/** Returns the names of columns. */
export const columnNames = (columns: readonly { readonly name: string }[]): string[] => columns.map(({ name }) => name)
