/** Columns of the run that reads a row: the same for all rows, batches and tries of one attempt. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { LoadingRun } from '../../model/share.ts'
import { quoteText } from '../duckdb/quote.ts'

/** The engine's type of a provenance column. */
export function provenanceType(name: string): string {
  if (name === '_line') return 'BIGINT'
  return name === '_loaded_at' ? 'TIMESTAMP WITH TIME ZONE' : 'VARCHAR'
}

/** The value of a column that the run gives; undefined for one that the row's place gives. */
export function runValue(name: string): string | undefined {
  if (name === '_run') return `CAST(getvariable('fanmill_run') AS VARCHAR)`
  if (name === '_loaded_at') return `CAST(getvariable('fanmill_loaded_at') AS ${provenanceType(name)})`
  return undefined
}

/** Makes the run known to the queries of a connection, for the columns that it gives. */
export async function enterRun(connection: DuckDBConnection, { runId, startedAt }: LoadingRun): Promise<void> {
  await connection.run(
    `SET VARIABLE fanmill_run = ${quoteText(runId)}; SET VARIABLE fanmill_loaded_at = ${quoteText(startedAt)}`,
  )
}
