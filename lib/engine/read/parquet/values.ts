/** Converts one column of a Parquet file to a declared column in SQL, and finds the values that do not fit. */
import { typeName } from '../../../model/type-names.ts'
import { expectedText, fits, raiseMisfit, tryConvert } from '../column-sql.ts'
import type { ReadColumn } from '../read-columns.ts'
import { nullableText, readableText } from '../text/plain-text.ts'
import type { LeafSql } from './leaf.ts'

/** The source of a declared column. */
export interface ValueOptions {
  /** The file's column of the same name, where it has one. */
  readonly source?: LeafSql | undefined
  readonly strict: boolean
}

/** Returns the value; the query fails where it does not fit. */
export function mustRead(column: ReadColumn, options: ValueOptions): string {
  const value = tryRead(column, options)
  const bad = misfitCondition(column, options)
  if (bad === undefined) return value
  return `CASE WHEN ${bad} THEN ${raiseMisfit(column.name)} ELSE ${value} END`
}

/** Returns the value; null, or a wrong one, where it does not fit. */
export function tryRead(column: ReadColumn, { source: from, strict }: ValueOptions): string {
  if (!from) return `CAST(NULL AS ${column.type})`
  const given = givenValue(column, from)
  if (from.type === column.type) return given
  if (from.type === 'VARCHAR' && column.definition) return tryConvert(column.definition, given, strict)
  // The engine refuses such a cast before it reads a value.
  if (column.type === 'BLOB') return 'CAST(NULL AS BLOB)'
  return `TRY_CAST(${given} AS ${column.type})`
}

/** True where a value does not fit, as SQL that is never null; undefined where every value fits. */
export function misfitCondition(column: ReadColumn, options: ValueOptions): string | undefined {
  const { definition } = column
  const { source } = options
  if (!source) return definition?.required ? 'true' : undefined
  const conditions = [
    ...(definition?.required ? [`${givenValue(column, source)} IS NULL`] : []),
    ...(source.bad ? [`coalesce(${source.bad}, false)`] : []),
    ...unfit(column, source, options),
  ]
  return conditions.length === 0 ? undefined : `(${conditions.join(' OR ')})`
}

function unfit(column: ReadColumn, source: LeafSql, options: ValueOptions): string[] {
  const { definition, type } = column
  if (source.type === type) return []
  const given = givenValue(column, source)
  const value = tryRead(column, options)
  if (source.type === 'VARCHAR' && definition) return [`NOT ${fits(definition, given, value, options.strict)}`]
  const lossy = [`${value} IS NULL`, ...lossyCast(column, source, value, options.strict)].join(' OR ')
  return [`(${given} IS NOT NULL AND (${lossy}))`]
}

/** The `expected` of a value's reject, and its `received` as SQL. */
export function misfitText(column: ReadColumn, { source }: ValueOptions): { expected: string; received: string } {
  return {
    expected: column.definition ? expectedText(column.definition) : typeName(column.type),
    received: source ? (source.text ?? `CAST(${source.value} AS VARCHAR)`) : 'NULL',
  }
}

/** Reads null texts as null; other types have nulls of their own. */
function givenValue({ definition }: ReadColumn, { type, value }: LeafSql): string {
  if (definition && type === 'VARCHAR') return readableText(definition, value)
  return definition && type === 'BLOB' ? nullableText(definition, value, true) : value
}

function lossyCast({ type }: ReadColumn, from: LeafSql, value: string, strict: boolean): string[] {
  const isOther = `TRY_CAST(${value} AS ${from.type}) IS DISTINCT FROM ${from.value}`
  if (type !== 'FLOAT' && type !== 'DOUBLE') return strict && type !== 'VARCHAR' && type !== 'JSON' ? [isOther] : []
  // A float may lose digits of another float, but not those of an exact number.
  if (strict && /INT|^DECIMAL/.test(from.type)) return [isOther]
  return [`(isinf(${value}) AND NOT isinf(CAST(${from.value} AS DOUBLE)))`]
}
