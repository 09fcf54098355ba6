/** Finds the row group of a file that is split: the engine cannot bound row groups by bytes and files by row groups at once. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteText } from '../../duckdb/quote.ts'
import { vectorRows, type WriterLimits } from './writer-limits.ts'

export type SplitLimits = Pick<WriterLimits, 'rowGroupRows' | 'rowGroupBytes'>

/** Returns rows of a row group so that those of the new files are about as large as those of the file, which were bounded by the bytes of their values. */
export async function splitRowGroupRows(
  connection: DuckDBConnection,
  file: string,
  { rowGroupRows, rowGroupBytes }: SplitLimits,
): Promise<number> {
  // Few rows say little about the others: at the end of the file, a row group may have a single one.
  const sql = `
    SELECT max(row_group_num_rows)::DOUBLE AS groupRows,
      max(row_group_bytes / row_group_num_rows) FILTER (row_group_num_rows >= ${vectorRows})::DOUBLE AS rowBytes
    FROM parquet_metadata(${quoteText(file)})`
  const [found] = (await connection.runAndReadAll(sql)).getRowObjectsJS()
  const { groupRows, rowBytes } = found as { readonly groupRows: number; readonly rowBytes: number | null }
  return Math.floor(Math.max(vectorRows, Math.min(rowGroupRows, groupRows, rowGroupBytes / (rowBytes || 1))))
}

/**
 * Divides the rows of a file into row groups of equal rows, in whole vectors. Of the numbers that are at most `rowGroupRows`, and more
 * than half of that, it takes the one with which the file has fewest rows too many.
 */
export function equalRowGroups(
  fileRows: number,
  rowGroupRows: number,
): { readonly groups: number; readonly groupRows: number } {
  const vectors = Math.ceil(fileRows / vectorRows)
  const most = Math.max(1, Math.min(vectors, Math.floor(rowGroupRows / vectorRows)))
  let best = most
  const excess = (size: number): number => (size - (vectors % size)) % size
  for (let size = most; size > most / 2; size--) if (excess(size) < excess(best)) best = size
  return { groups: Math.ceil(vectors / best), groupRows: best * vectorRows }
}
