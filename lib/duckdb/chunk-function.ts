/** Registers functions that compute whole chunks inside the engine's queries. */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBType,
  type DuckDBVector,
} from '@duckdb/node-api'

export interface ChunkWork {
  readonly name: string
  readonly parameterTypes: readonly DuckDBType[]
  readonly returnType: DuckDBType
  /** Fills the vector with a value for each row of the chunk. An error fails the query. */
  readonly run: (chunk: DuckDBDataChunk, output: DuckDBVector) => void
  /** Is called with the error, of which the query's own says nothing. */
  readonly onError?: (error: Error) => void
}

/** Registers a function that gets nulls too. It is volatile, so that the planner neither drops its calls nor moves a filter below them. */
export function registerChunkFunction(connection: DuckDBConnection, { run, onError, ...declared }: ChunkWork): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      ...declared,
      specialHandling: true,
      volatile: true,
      mainFunction: (info, chunk, output) => {
        try {
          run(chunk, output)
          output.flush()
        } catch (error) {
          onError?.(error as Error)
          info.setError(`fanmill: ${declared.name} stopped the query`)
        }
      },
    }),
  )
}
