/** A column of a step, with its type in the engine. */
import type { DuckDBType } from '@duckdb/node-api'

export interface SchemaColumn {
  readonly name: string
  readonly type: DuckDBType
}
