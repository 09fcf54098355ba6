/** Counts the rows that enter a transform, inside the engine's query. */
import { BOOLEAN, type DuckDBConnection } from '@duckdb/node-api'
import { registerChunkFunction } from './chunk-function.ts'

export interface RowCounter {
  /** The SQL function that rows pass through, which always returns true. */
  readonly name: string
  /** Returns the rows that passed through it, and those that passed by it before; 0 as long as none passed through it. */
  rows(): number
  reset(): void
  /** Tells how many rows of the next query pass by the function, before those that pass through it. */
  skip(rows: number): void
}

/** Registers the function. */
export function registerRowCounter(connection: DuckDBConnection, name = 'fanmill_seen'): RowCounter {
  let rows = 0
  let skipped = 0
  registerChunkFunction(connection, {
    name,
    parameterTypes: [BOOLEAN],
    returnType: BOOLEAN,
    run: (chunk, output) => {
      rows += chunk.rowCount
      // Filled at once: row by row it would cost as much as reading the text. A new vector has no nulls.
      const { buffer, byteOffset } = (output as unknown as { readonly dataView: DataView }).dataView
      new Uint8Array(buffer, byteOffset, chunk.rowCount).fill(1)
    },
  })
  return {
    name,
    rows: () => (rows === 0 ? 0 : skipped + rows),
    reset: () => {
      rows = 0
    },
    skip: count => {
      skipped = count
    },
  }
}
