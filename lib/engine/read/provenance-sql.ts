/** Provenance columns of the run: their values are the same for all rows, batches and retries of one attempt. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteText } from '../../duckdb/quote.ts'
import type { LoadingRun } from '../../model/share.ts'

/** Returns the engine's type of a provenance column. */
export function provenanceType(name: string): string {
  if (name === '_line') return 'BIGINT'
  return name === '_loaded_at' ? 'TIMESTAMP WITH TIME ZONE' : 'VARCHAR'
}

/** Returns the value of a column of the run as SQL; undefined for a column of the row's place. */
export function runValue(name: string): string | undefined {
  if (name === '_run') return `CAST(getvariable('fanmill_run') AS VARCHAR)`
  if (name === '_loaded_at') return `CAST(getvariable('fanmill_loaded_at') AS ${provenanceType(name)})`
  return undefined
}

/** Sets the run as variables for the queries of a connection. */
export async function enterRun(connection: DuckDBConnection, { runId, startedAt }: LoadingRun): Promise<void> {
  await connection.run(
    `SET VARIABLE fanmill_run = ${quoteText(runId)}; SET VARIABLE fanmill_loaded_at = ${quoteText(startedAt)}`,
  )
}
