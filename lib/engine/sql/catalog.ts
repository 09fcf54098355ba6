/** The names of the engine's functions, read once for each process. */
import type { DuckDBConnection } from '@duckdb/node-api'

export interface SqlCatalog {
  /** Every function that an expression can call. */
  readonly functions: ReadonlySet<string>
  readonly aggregates: ReadonlySet<string>
  /** Functions whose result differs from call to call, or from query to query. */
  readonly unstable: ReadonlySet<string>
}

let catalog: SqlCatalog | undefined

/** Returns the engine's functions, which are read the first time. */
export async function sqlCatalog(connection: DuckDBConnection): Promise<SqlCatalog> {
  catalog ??= await readCatalog(connection)
  return catalog
}

async function readCatalog(connection: DuckDBConnection): Promise<SqlCatalog> {
  const read = async (condition: string): Promise<string[]> => {
    const reader = await connection.runAndReadAll(
      `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${condition}`,
    )
    return reader.getRows().map(([name]) => String(name))
  }
  const scalars = new Set(await read("function_type IN ('scalar', 'macro')"))
  const aggregates = await read("function_type = 'aggregate'")
  const unstable = await read("function_type = 'scalar' AND stability <> 'CONSISTENT' AND function_name <> 'error'")
  return {
    functions: new Set([...scalars, ...aggregates]),
    aggregates: new Set(aggregates.filter(name => !scalars.has(name))),
    unstable: new Set([...unstable, ...clocks, ...samples]),
  }
}

/** The current time, also as words without parentheses. */
const clocks = [
  'current_timestamp',
  'current_date',
  'current_time',
  'current_localtime',
  'current_localtimestamp',
  'localtime',
  'localtimestamp',
  'ago',
]

/** Aggregates of randomly chosen values. */
const samples = ['reservoir_quantile']
