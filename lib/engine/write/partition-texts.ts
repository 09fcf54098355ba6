/** The partition columns of a query as texts, which name folders; an empty text has the folder of a null, and is one. */
import { quoteName } from '../duckdb/quote.ts'

const textColumn = (at: number): string => `_fanmill_text_${at}`

export interface PartitionTexts {
  /** A query with the text columns beside its own. */
  readonly from: string
  /** The text columns, as a list. */
  readonly texts: string
  /** The partition columns, as a list. */
  readonly columns: string
}

export function partitionTexts(sql: string, partitionBy: readonly string[]): PartitionTexts {
  const texts = partitionBy.map((name, at) => `nullif(CAST(${quoteName(name)} AS VARCHAR), '') AS ${textColumn(at)}`)
  return {
    from: `(SELECT *, ${texts.join(', ')} FROM (${sql}))`,
    texts: partitionBy.map((_, at) => textColumn(at)).join(', '),
    columns: partitionBy.map(quoteName).join(', '),
  }
}
