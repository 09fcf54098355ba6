/** Makes the statistics of a file in a table's log from the footer of the Parquet file. */
import { type Bound, readBound } from '../parquet/bounds.ts'
import { chunksOf, flatColumns, type LeafChunk } from '../parquet/columns.ts'
import type { ParquetFooter, SchemaElement } from '../parquet/footer.ts'
import { compareBounds, highestText, lowestText } from './statistics-values.ts'

/** Columns with statistics, as other writers have them by default. */
const columnsMax = 32

/** The statistics of a file, as far as a commit needs them. */
export interface FileStatistics {
  readonly numRecords: number
  /** Nulls by column; a column is absent where they are not known. */
  readonly nullCount: ReadonlyMap<string, number>
  /** JSON, for the log. */
  readonly text: string
}

/**
 * Counts rows and nulls, and finds the bounds of the first 32 columns with single values. Texts are cut to 32 characters and
 * timestamps rounded to milliseconds, so that every value still lies between the bounds.
 */
export function fileStatistics(footer: ParquetFooter): FileStatistics {
  const columns = flatColumns(footer).slice(0, columnsMax)
  const [mins, maxs, nulls] = [new Map<string, string>(), new Map<string, string>(), new Map<string, number>()]
  for (const { element, leaf } of columns) {
    const { name } = element
    const chunks = chunksOf(footer, leaf)
    const nullCounts = chunks.map(chunk => chunk.statistics?.nullCount)
    const isCounted = nullCounts.every(count => count !== undefined)
    if (isCounted)
      nulls.set(
        name,
        nullCounts.reduce((sum, count) => sum + count, 0),
      )
    const bounds = boundsOf(element, chunks)
    const low = bounds && lowestText(element, bounds.min)
    const high = bounds && highestText(element, bounds.max)
    if (low !== undefined) mins.set(name, low)
    if (high !== undefined) maxs.set(name, high)
  }
  const nullTexts = new Map([...nulls].map(([name, count]) => [name, String(count)]))
  const text = `{"numRecords":${footer.rowCount},"minValues":${objectText(mins)},"maxValues":${objectText(maxs)},"nullCount":${objectText(nullTexts)}}`
  return { numRecords: footer.rowCount, nullCount: nulls, text }
}

/** Joins the bounds of the row groups; undefined where one with values has none. */
function boundsOf(element: SchemaElement, chunks: readonly LeafChunk[]): { min: Bound; max: Bound } | undefined {
  let found: { min: Bound; max: Bound } | undefined
  for (const { rowCount, statistics } of chunks) {
    if (rowCount === 0 || statistics?.nullCount === rowCount) continue
    const min = statistics?.min && readBound(element, statistics.min)
    const max = statistics?.max && readBound(element, statistics.max)
    if (min === undefined || max === undefined) return undefined
    found = {
      min: found && compareBounds(found.min, min) <= 0 ? found.min : min,
      max: found && compareBounds(found.max, max) >= 0 ? found.max : max,
    }
  }
  return found
}

const objectText = (texts: ReadonlyMap<string, string>): string =>
  `{${[...texts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
