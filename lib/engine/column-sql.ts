/** How one declared column's text becomes its type in SQL, strictly or as the engine reads it. */
import type { ColumnDefinition, ScalarType } from '../define/definition.ts'
import { quoteText, quoteTexts } from './quote.ts'

const sqlTypes: Record<ScalarType, string> = {
  bool: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  json: 'JSON',
}

/** The engine's name of a column's type. */
export function sqlType(column: ColumnDefinition): string {
  if (column.type === 'decimal') return `DECIMAL(${column.precision ?? 18}, ${column.scale ?? 3})`
  if (column.type === 'list') return `${column.items ? sqlType(column.items) : 'VARCHAR'}[]`
  return sqlTypes[column.type]
}

/** What a reject says it expected: the column's type as its definition names it. */
export function expectedText(column: ColumnDefinition): string {
  const type =
    column.type === 'decimal'
      ? `decimal(${column.precision ?? 18}, ${column.scale ?? 3})`
      : column.type === 'list'
        ? `list of ${column.items?.type ?? 'string'}`
        : column.type
  return `${column.required ? 'required ' : ''}${type}${column.format ? ` as ${column.format}` : ''}`
}

/** A text expression with the column's own null texts as null. */
export function nullableText(column: ColumnDefinition, text: string): string {
  if (!column.nullValues?.length) return text
  return `CASE WHEN ${text} IN (${column.nullValues.map(quoteText).join(', ')}) THEN NULL ELSE ${text} END`
}

/** The typed value; null where the text does not convert. */
export function tryConvert(column: ColumnDefinition, text: string): string {
  if (column.type === 'string') return text
  if (column.format !== undefined) return tryFormat(column, text, column.format)
  if (column.type === 'list') return `TRY(from_json_strict(CAST(${text} AS JSON), ${quoteText(jsonShape(column))}))`
  return `TRY_CAST(${text} AS ${sqlType(column)})`
}

/**
 * The typed value; the query fails where the text does not convert. Cheaper than `tryConvert` with a test for null,
 * since whole vectors stay unfiltered: the reading that is tried first.
 */
export function mustConvert(column: ColumnDefinition, text: string, strict: boolean): string {
  const value = column.required ? `coalesce(${text}, ${raise})` : text
  if (column.type === 'string') return column.required ? `CASE WHEN ${text} IS NULL THEN ${raise} ELSE ${text} END` : text
  const lossy = strict ? lossyText(column, text) : undefined
  const converted = castOrRaise(column, value)
  return lossy === undefined ? converted : `CASE WHEN ${lossy} THEN ${raise} ELSE ${converted} END`
}

/** Whether a text fits its column: never null. `value` is the expression of `tryConvert`. */
export function fits(column: ColumnDefinition, text: string, value: string, strict: boolean): string {
  const whenNull = column.required ? 'false' : 'true'
  if (column.type === 'string') return column.required ? `(${text} IS NOT NULL)` : 'true'
  const lossy = strict ? lossyText(column, text) : undefined
  const exact = lossy === undefined ? '' : ` AND NOT (${lossy})`
  return `(CASE WHEN ${text} IS NULL THEN ${whenNull} ELSE (${value} IS NOT NULL${exact}) END)`
}

/** The message by which a failed fast reading is told from other faults of a query. */
export const mismatchMarker = 'fanmill: a text does not fit its column'

const raise = `error(${quoteText(mismatchMarker)})`

function castOrRaise(column: ColumnDefinition, text: string): string {
  if (column.format !== undefined || column.type === 'list')
    return `CASE WHEN ${text} IS NULL THEN NULL ELSE coalesce(${tryConvert(column, text)}, ${raise}) END`
  return `CAST(${text} AS ${sqlType(column)})`
}

function tryFormat(column: ColumnDefinition, text: string, format: string): string {
  const parsed = `try_strptime(${text}, ${quoteText(format)})`
  return `CAST(${parsed} AS ${sqlType(column)})`
}

/**
 * True where a text converts, but not to what it says: `1.5` for an integer, a decimal that would round, an offset in
 * a timestamp without zone. The cheap test comes first: most integers print as they were written.
 */
function lossyText(column: ColumnDefinition, text: string): string | undefined {
  if (column.format !== undefined) return undefined
  if (column.type.includes('int'))
    return `CAST(TRY_CAST(${text} AS ${sqlType(column)}) AS VARCHAR) <> ${text} AND NOT regexp_full_match(${text}, '[+-]?[0-9]+')`
  if (column.type.startsWith('float')) return `contains(${text}, '_')`
  const pattern = exactPatterns(column)
  if (pattern === undefined) return undefined
  const quick = quickTests[column.type]?.(text)
  const slow = `NOT regexp_full_match(${text}, ${quoteText(pattern)})`
  return quick === undefined ? slow : `NOT (${quick}) AND ${slow}`
}

const quickTests: Partial<Record<ColumnDefinition['type'], (text: string) => string>> = {
  timestamp: text => `strlen(${text}) = 19 AND ${text}[17] = ':'`,
  date: text => `strlen(${text}) <= 10`,
}

const timeOfDay = '\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d{1,6}0*)?)?'

function exactPatterns(column: ColumnDefinition): string | undefined {
  switch (column.type) {
    case 'decimal':
      return `[+-]?\\d*(\\.\\d{0,${column.scale ?? 3}}0*)?`
    case 'date':
      return '[+-]?\\d{1,6}-\\d{1,2}-\\d{1,2}'
    case 'time':
      return timeOfDay
    case 'timestamp':
      return `[+-]?\\d{1,6}-\\d{1,2}-\\d{1,2}([ T]${timeOfDay})?`
    default:
      return undefined
  }
}

function jsonShape(column: ColumnDefinition): string {
  const shape = (inner: ColumnDefinition): unknown =>
    inner.type === 'list' ? [inner.items ? shape(inner.items) : 'VARCHAR'] : sqlType(inner)
  return JSON.stringify(shape(column))
}

/** The texts of a column's null values as a list literal, for the reader. */
export const nullTexts = (texts: readonly string[]): string => quoteTexts(texts)
