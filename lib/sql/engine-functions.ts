/** The names of the engine's functions, read once for each thread. */
import type { DuckDBConnection } from '@duckdb/node-api'

let functions: Promise<ReadonlySet<string>> | undefined

/** Returns the names of all functions that an expression can call. Reading them takes 20 milliseconds, so only refusals do. */
export function engineFunctions(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  functions ??= readFunctions(connection).catch((error: unknown) => {
    functions = undefined
    throw error
  })
  return functions
}

async function readFunctions(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const reader = await connection.runAndReadAll(
    "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro', 'aggregate')",
  )
  return new Set(reader.getRows().map(([name]) => String(name)))
}
