/** The documented hash by which datasets are kept by key: it never changes, and does not depend on the engine. */
import type { ExchangeOutput } from '../../define/steps/exchange-definition.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { PermanentError } from '../../errors/errors.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import { typeName } from '../../model/type-names.ts'
import { checkNames } from '../check-output.ts'

/**
 * Returns the columns by which a dataset is kept, with their types; undefined for other exchanges.
 * @throws DEFINITION_INVALID for a column that the rows do not have, or of a type that has no text that never changes
 */
export function keptColumns(
  { by, isKept }: Pick<ExchangeOutput, 'by' | 'isKept'>,
  written: readonly SchemaColumn[],
): readonly SchemaColumn[] | undefined {
  if (!isKept) return undefined
  const names = written.map(({ name }) => name)
  checkNames('bucketBy', by, names)
  const columns = by.flatMap(name => written.filter(column => column.name === name))
  for (const column of columns) valueText(column)
  return columns
}

/**
 * Returns the number of a row's bucket as SQL: the MD5 hash of the key's text in UTF-8, as a little-endian number of 128 bits, modulo
 * the number of buckets. The text has for each column `n;` where it is null, else the number of its bytes, `:`, the value and `;`.
 * @throws DEFINITION_INVALID for a type whose values have no text that never changes
 */
export function keptBucket(by: readonly SchemaColumn[], buckets: number): string {
  const texts = by.map(column => {
    const text = valueText(column)
    return `coalesce(strlen(${text}) || ':' || ${text} || ';', 'n;')`
  })
  return `CAST(${remainder(`md5_number(${texts.join(' || ')})`, buckets)} AS INTEGER)`
}

/**
 * Returns a number of 128 bits modulo a small one as SQL, from its halves: the engine divides 128 bits one by one, which takes thirty times
 * as long as the hash.
 */
function remainder(number: string, divisor: number): string {
  const high = `CAST(${number} >> 64 AS UBIGINT) % ${divisor}`
  const low = `CAST(${number} & CAST(${2n ** 64n - 1n} AS UHUGEINT) AS UBIGINT) % ${divisor}`
  return `((${high}) * ${2n ** 64n % BigInt(divisor)} + ${low}) % ${divisor}`
}

/** Integers in decimal digits; decimals with all digits of their scale; dates as in ISO 8601; times as microseconds since 1970 in UTC. */
function valueText({ name, type }: SchemaColumn): string {
  const column = quoteName(name)
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL\(.*\)|VARCHAR|DATE|BOOLEAN)$/.test(type))
    return `CAST(${column} AS VARCHAR)`
  if (/^TIMESTAMP( WITH TIME ZONE)?$/.test(type)) return `CAST(epoch_us(${column}) AS VARCHAR)`
  const message = `output.bucketBy: expected columns of integers, decimals, strings, booleans, dates or timestamps, got ${name} (${typeName(type)}); convert it in a step`
  throw new PermanentError('DEFINITION_INVALID', message, { name, type })
}
