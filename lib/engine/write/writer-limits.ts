/** How much the engine's Parquet writer may keep for each column, so that wide rows fit into its memory. */

export interface WriterLimits {
  /** Rows of a row group. */
  readonly rowGroupRows: number
  /** Distinct values of a row group's column that a dictionary holds. */
  readonly dictionaryEntries: number
  /** Bytes of a dictionary of texts, which the writer takes at once for each column of texts. */
  readonly dictionaryBytes: number
}

/** Of a row group's column; the engine's own, a fifth of the rows, costs 5 to 8 % where nearly every value differs. */
const dictionaryEntriesMax = 10_000
const dictionaryEntriesMin = 256
/** The engine's own. */
const dictionaryBytesMax = 1_048_576
const dictionaryBytesMin = 8192
/** Measured: what the writer takes for an entry, hash table included. */
const entryBytes = 64
/** What a value takes before it is encoded: 16 bytes for a text, beside long ones. */
const valueBytes = 16
/** The engine works with vectors of so many rows. */
const vectorRows = 2048

/**
 * The limits for so many columns and so much memory: those that were asked for while they fit.
 */
export function writerLimits(
  rowGroupRows: number,
  { columns, memoryBytes }: { readonly columns: number; readonly memoryBytes: number },
): WriterLimits {
  const columnBytes = memoryBytes / 8 / Math.max(1, columns)
  const rowsThatFit = memoryBytes / 4 / (valueBytes * Math.max(1, columns))
  // Values spill, so that twice the memory does no harm.
  const isWide = rowGroupRows > 8 * rowsThatFit
  return {
    rowGroupRows: isWide ? Math.max(vectorRows, Math.floor(rowsThatFit / vectorRows) * vectorRows) : rowGroupRows,
    dictionaryEntries: between(dictionaryEntriesMin, columnBytes / 2 / entryBytes, dictionaryEntriesMax),
    dictionaryBytes: between(dictionaryBytesMin, columnBytes / 2, dictionaryBytesMax),
  }
}

const between = (min: number, value: number, max: number): number => Math.floor(Math.max(min, Math.min(max, value)))
