/** The documented hash by which datasets are kept by key: it never changes, and does not depend on the engine. */
import { PermanentError } from '../../errors/errors.ts'
import { typeName } from '../../model/type-names.ts'
import { quoteName } from '../duckdb/quote.ts'

/**
 * Returns the number of a row's bucket as SQL: the MD5 hash of the key's text in UTF-8, as a little-endian number of 128 bits, modulo
 * the number of buckets. The text has for each column `n;` where it is null, else the number of its bytes, `:`, the value and `;`.
 * @throws DEFINITION_INVALID for a type whose values have no text that never changes
 */
export function keptBucket(by: readonly { readonly name: string; readonly type: string }[], buckets: number): string {
  const texts = by.map(column => {
    const text = valueText(column)
    return `coalesce(strlen(${text}) || ':' || ${text} || ';', 'n;')`
  })
  return `CAST(md5_number(${texts.join(' || ')}) % ${buckets} AS INTEGER)`
}

/** Integers in decimal digits; decimals with all digits of their scale; dates as in ISO 8601; times as microseconds since 1970 in UTC. */
function valueText({ name, type }: { readonly name: string; readonly type: string }): string {
  const column = quoteName(name)
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL\(.*\)|VARCHAR|DATE|BOOLEAN)$/.test(type))
    return `CAST(${column} AS VARCHAR)`
  if (/^TIMESTAMP( WITH TIME ZONE)?$/.test(type)) return `CAST(epoch_us(${column}) AS VARCHAR)`
  const message = `output.bucketBy: expected columns of integers, decimals, strings, booleans, dates or timestamps, got ${name} (${typeName(type)}); convert it in a step`
  throw new PermanentError('DEFINITION_INVALID', message, { name, type })
}
