/** Counts the rows that enter a transform, inside the engine's query. */
import { BOOLEAN, type DuckDBConnection, DuckDBScalarFunction } from '@duckdb/node-api'

export interface RowCounter {
  /** The SQL function that rows pass through, which always returns true. */
  readonly name: string
  /** Returns the rows that passed through it, and those that passed by it before; 0 as long as none passed through it. */
  rows(): number
  reset(): void
  /** Tells how many rows of the next query pass by the function, before those that pass through it. */
  skip(rows: number): void
}

/** Registers the function. It is volatile, so that the planner neither drops it nor moves a filter of the transform below it. */
export function registerRowCounter(connection: DuckDBConnection, name = 'fanmill_seen'): RowCounter {
  let rows = 0
  let skipped = 0
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      parameterTypes: [BOOLEAN],
      returnType: BOOLEAN,
      volatile: true,
      specialHandling: true,
      mainFunction: (_info, chunk, output) => {
        rows += chunk.rowCount
        // Filled at once: row by row it would cost as much as reading the text. A new vector has no nulls.
        const { buffer, byteOffset } = (output as unknown as { readonly dataView: DataView }).dataView
        new Uint8Array(buffer, byteOffset, chunk.rowCount).fill(1)
        output.flush()
      },
    }),
  )
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
