/** Limits what the engine's Parquet writer keeps for each column, so that wide rows fit into its memory. */

export interface WriterLimits {
  readonly rowGroupRows: number
  /** Bytes of values after which a row group ends too, at the end of the vector. */
  readonly rowGroupBytes: number
  /** Distinct values of a row group's column that a dictionary holds. */
  readonly dictionaryEntries: number
  /** Bytes of a dictionary of texts, which the writer takes at once for each column of texts. */
  readonly dictionaryBytes: number
}

/** Entries for each column of a row group. The engine's default, a fifth of the rows, costs 5 to 8 % where nearly every value differs. */
const dictionaryEntriesMax = 10_000
const dictionaryEntriesMin = 256
/** The engine's default. */
const dictionaryBytesMax = 1_048_576
const dictionaryBytesMin = 8192
/** Memory of the writer for an entry, hash table included (measured). */
const entryBytes = 64
/** Memory of a value before it is encoded; long texts take more. */
const valueBytes = 16
/** Bytes of values of a row group: readers keep a row group in memory, and lists of thousands of numbers make 122,880 rows some gigabytes. */
export const rowGroupBytesMax = 64 * 2 ** 20
/** Rows of the engine's vectors. */
export const vectorRows = 2048

/** Returns the limits for a number of columns and an amount of memory; the given rows of a row group while they fit. */
export function writerLimits(
  rowGroupRows: number,
  { columns, memoryBytes }: { readonly columns: number; readonly memoryBytes: number },
): WriterLimits {
  const columnBytes = memoryBytes / 8 / Math.max(1, columns)
  const rowsThatFit = memoryBytes / 4 / (valueBytes * Math.max(1, columns))
  // Values spill to disk, so that twice the memory is no problem.
  const isWide = rowGroupRows > 8 * rowsThatFit
  return {
    rowGroupRows: isWide ? Math.max(vectorRows, Math.floor(rowsThatFit / vectorRows) * vectorRows) : rowGroupRows,
    rowGroupBytes: Math.floor(Math.min(rowGroupBytesMax, memoryBytes / 4)),
    dictionaryEntries: between(dictionaryEntriesMin, columnBytes / 2 / entryBytes, dictionaryEntriesMax),
    dictionaryBytes: between(dictionaryBytesMin, columnBytes / 2, dictionaryBytesMax),
  }
}

/** Rows of a row group by the engine's default. */
const rowGroupRowsMax = 122_880

/** Returns the rows of a row group where files of many buckets are written at once: what waits in each of them fits into half of the memory. */
export function bucketRowGroup(
  buckets: number,
  { columns, memoryBytes }: { readonly columns: number; readonly memoryBytes: number },
): number {
  const rows = memoryBytes / 2 / (buckets * valueBytes * Math.max(1, columns))
  return between(vectorRows, Math.floor(rows / vectorRows) * vectorRows, rowGroupRowsMax)
}

const between = (min: number, value: number, max: number): number => Math.floor(Math.max(min, Math.min(max, value)))
