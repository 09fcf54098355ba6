/** Counts the rows that enter a transform, inside the engine's query. */
import { BOOLEAN, type DuckDBConnection, DuckDBScalarFunction } from '@duckdb/node-api'

export interface RowCounter {
  /** The SQL function that rows pass through; always true. */
  readonly name: string
  rows(): number
  reset(): void
}

/** The function is volatile, so the planner neither drops it nor moves a filter of the transform below it. */
export function registerRowCounter(connection: DuckDBConnection): RowCounter {
  let rows = 0
  const name = 'fanmill_seen'
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      parameterTypes: [BOOLEAN],
      returnType: BOOLEAN,
      volatile: true,
      specialHandling: true,
      mainFunction: (_info, chunk, output) => {
        rows += chunk.rowCount
        for (let row = 0; row < chunk.rowCount; row++) (output as unknown as Settable).setItem(row, true)
        output.flush()
      },
    }),
  )
  return {
    name,
    rows: () => rows,
    reset: () => {
      rows = 0
    },
  }
}

interface Settable {
  setItem(row: number, value: boolean): void
}
