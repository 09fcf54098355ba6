/** How one column of a Parquet file becomes a declared column in SQL, and which of its values do not fit. */
import { expectedText, fits, nullableText, tryConvert } from './column-sql.ts'
import { quoteName, quoteText } from './quote.ts'
import type { ReadColumn } from './read-columns.ts'

/** A declared column over a file with the columns `own`. */
export interface ValueOptions {
  readonly own: readonly ReadColumn[]
  readonly strict: boolean
}

/** The value, failing the query where it does not fit. */
export function mustRead(column: ReadColumn, options: ValueOptions): string {
  const value = tryRead(column, options)
  const bad = misfitCondition(column, options)
  if (bad === undefined) return value
  return `CASE WHEN ${bad} THEN error(${quoteText(`a value of column ${column.name} does not fit`)}) ELSE ${value} END`
}

/** The value; null, or another, where it does not fit. */
export function tryRead(column: ReadColumn, { own, strict }: ValueOptions): string {
  const from = own.find(each => each.name === column.name)
  if (!from) return `CAST(NULL AS ${column.type})`
  const given = givenValue(column, from)
  if (from.type === column.type) return given
  if (from.type === 'VARCHAR' && column.definition) return tryConvert(column.definition, given, strict)
  return `TRY_CAST(${given} AS ${column.type})`
}

/** True where a value does not fit, never null; undefined where every value fits. */
export function misfitCondition(column: ReadColumn, options: ValueOptions): string | undefined {
  const { definition, type } = column
  const from = options.own.find(each => each.name === column.name)
  if (!from) return definition?.required ? 'true' : undefined
  const given = givenValue(column, from)
  const absent = definition?.required ? `${given} IS NULL` : undefined
  if (from.type === type) return absent
  const value = tryRead(column, options)
  if (from.type === 'VARCHAR' && definition) return `NOT ${fits(definition, given, value, options.strict)}`
  const lossy = [`${value} IS NULL`, ...lossyCast(column, from, value, options.strict)].join(' OR ')
  const unfit = `(${given} IS NOT NULL AND (${lossy}))`
  return absent === undefined ? unfit : `(${absent} OR ${unfit})`
}

/** What a reject says of a value: the column, what was expected and what the file has. */
export function misfitText(column: ReadColumn, { own }: ValueOptions): { expected: string; received: string } {
  const isThere = own.some(each => each.name === column.name)
  return {
    expected: column.definition ? expectedText(column.definition) : column.type,
    received: isThere ? `CAST(${quoteName(column.name)} AS VARCHAR)` : 'NULL',
  }
}

/** Texts may stand for null; other types have nulls of their own. */
function givenValue({ name, definition }: ReadColumn, from: ReadColumn): string {
  const given = quoteName(name)
  return from.type === 'VARCHAR' && definition ? nullableText(definition, given) : given
}

function lossyCast({ name, type }: ReadColumn, from: ReadColumn, value: string, strict: boolean): string[] {
  const isOther = `TRY_CAST(${value} AS ${from.type}) IS DISTINCT FROM ${quoteName(name)}`
  if (type !== 'FLOAT' && type !== 'DOUBLE') return strict && type !== 'VARCHAR' && type !== 'JSON' ? [isOther] : []
  // A float of fewer digits is near enough; an exact number is not.
  if (strict && /INT|^DECIMAL/.test(from.type)) return [isOther]
  return [`(isinf(${value}) AND NOT isinf(CAST(${quoteName(name)} AS DOUBLE)))`]
}
