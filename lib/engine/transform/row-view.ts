/** One row object for a whole chunk, whose properties read the vectors of the columns that the user's function uses. */
import type { DuckDBDataChunk, DuckDBValue, DuckDBVector } from '@duckdb/node-api'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { type ReadValue, valueReader } from './vector-values.ts'

/** A view that moves from row to row. Its properties are enumerable, so that `{ ...row }` copies the row. A function that keeps `row` itself sees later rows in it. */
export interface RowView {
  readonly row: Readonly<Record<string, unknown>>
  enter(chunk: DuckDBDataChunk): void
  at(index: number): void
  value(column: number): unknown
  /** The same value as the engine has it, for instance with the microseconds of a timestamp, which a Date lacks. */
  item(column: number): DuckDBValue
}

export function createRowView(columns: readonly EngineColumn[]): RowView {
  const readers: ReadValue[] = columns.map(column => valueReader(column.type))
  const vectors: (DuckDBVector | undefined)[] = []
  let chunk: DuckDBDataChunk | undefined
  let index = 0
  const vectorOf = (column: number): DuckDBVector | undefined => (vectors[column] ??= chunk?.getColumnVector(column))
  const value = (column: number): unknown => {
    const vector = vectorOf(column)
    return vector === undefined ? undefined : readers[column]?.(vector, index)
  }
  const row: Record<string, unknown> = {}
  for (const [column, { name }] of columns.entries())
    Object.defineProperty(row, name, { enumerable: true, get: () => value(column) })
  return {
    row: Object.freeze(row),
    enter(next) {
      chunk = next
      vectors.length = 0
    },
    at(next) {
      index = next
    },
    value,
    item: column => vectorOf(column)?.getItem(index) ?? null,
  }
}
