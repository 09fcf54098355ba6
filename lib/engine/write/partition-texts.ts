/** The partition columns of a query as texts, after which folders are named. An empty text has the folder of a null, so it becomes a null. */
import { quoteName } from '../../duckdb/quote.ts'

const textColumn = (at: number): string => `_fanmill_text_${at}`

/** Returns the query with the text columns added, and the lists of these and of the partition columns. */
export function partitionTexts(sql: string, partitionBy: readonly string[]) {
  const texts = partitionBy.map((name, at) => `nullif(CAST(${quoteName(name)} AS VARCHAR), '') AS ${textColumn(at)}`)
  return {
    from: `(SELECT *, ${texts.join(', ')} FROM (${sql}))`,
    texts: partitionBy.map((_, at) => textColumn(at)).join(', '),
    columns: partitionBy.map(quoteName).join(', '),
  }
}
