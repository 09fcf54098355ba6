/** Converts the text of one declared column to its type in SQL: strictly, or as the engine reads it. */
import { namesInFile } from '../../define/columns/file-names.ts'
import type { ColumnDefinition } from '../../define/definition.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import { definedTypeName, engineTypes } from '../../model/type-names.ts'
import { decimalText, hasAtMostOne, jsonPointer, withoutStrings } from './text/json-record.ts'
import { isPlain, readableText, writtenAs } from './text/plain-text.ts'

/** The engine's name of a column's type. */
export function sqlType(column: ColumnDefinition): string {
  if (column.type === 'decimal') return `DECIMAL(${column.precision ?? 18}, ${column.scale ?? 3})`
  if (column.type === 'list') return `${column.items ? sqlType(column.items) : 'VARCHAR'}[]`
  if (column.type === 'struct') {
    const fields = Object.entries(column.fields ?? {}).map(([name, field]) => `${quoteName(name)} ${sqlType(field)}`)
    return `STRUCT(${fields.join(', ')})`
  }
  return engineTypes[column.type]
}

/** The `expected` of a reject: the column's type as its definition names it. */
export function expectedText(column: ColumnDefinition): string {
  return `${column.required ? 'required ' : ''}${definedTypeName(column)}${writtenAs(column)}`
}

/** The `expected` of a reject as SQL; with the option to set, where the text is written in another common way. */
export function expectedSql(column: ColumnDefinition, text: string): string {
  const expected = expectedText(column)
  const hints = writtenAs(column) === '' ? (hintsOf(column) ?? []) : []
  if (hints.length === 0) return quoteText(expected)
  const cases = hints.map(
    ([pattern, advice]) =>
      `WHEN regexp_full_match(${text}, ${quoteText(pattern)}) THEN ${quoteText(`${expected}; ${advice}`)}`,
  )
  return `CASE ${cases.join(' ')} ELSE ${quoteText(expected)} END`
}

/** Ways of writing as patterns, each with the option to set. */
function hintsOf({ type }: ColumnDefinition): readonly (readonly [string, string])[] | undefined {
  if (type === 'time') return timeHints
  if (type === 'date' || type === 'timestamp' || type === 'timestamptz') return dateHints
  const isNumber = type === 'decimal' || type.startsWith('float') || type.includes('int')
  return isNumber ? numberHints : undefined
}

const time = '( .*)?'
const dateHints = [
  ['\\d{8}', "set format: '%Y%m%d' on the column"],
  [`\\d{4}/\\d{1,2}/\\d{1,2}${time}`, "set format, such as '%Y/%m/%d', on the column"],
  [`\\d{1,2}/\\d{1,2}/\\d{4}${time}`, "set format, such as '%m/%d/%Y' or '%d/%m/%Y', on the column"],
  [`\\d{1,2}/\\d{1,2}/\\d{2}${time}`, "set format, such as '%m/%d/%y' or '%d/%m/%y', on the column"],
  [`\\d{1,2}[.]\\d{1,2}[.]\\d{4}${time}`, "set format, such as '%d.%m.%Y', on the column"],
] as const
const timeHints = [
  ['(2[4-9]|[3-9]\\d|\\d{3,}):\\d{2}:\\d{2}', "for times past 24:00 read column.int32({ duration: 'seconds' })"],
] as const
const numberHints = [
  [
    '[+-]?(\\d{1,3}(,\\d{3})+([.]\\d+)?|\\d{1,3}([.]\\d{3})+,\\d+|\\d+,\\d+)',
    'set decimalSeparator or thousandsSeparator on the column',
  ],
] as const

/** Column, expected and received (cut at 200 characters) of a misfit as a struct, which unnest spreads into columns. */
export const misfit = (column: string, expected: string, received: string): string =>
  misfitOf(column, quoteText(expected), received)

/** Does the same with `expected` as SQL. */
export const misfitOf = (column: string, expected: string, received: string): string =>
  `{'column': ${quoteText(column)}, 'expected': ${expected}, 'received': coalesce(left(${received}, 200), 'null')}`

/** Returns the typed value; null where the text does not convert. */
export function tryConvert(column: ColumnDefinition, text: string, strict: boolean): string {
  if (column.type === 'string') return text
  if (column.type === 'binary') return `encode(${text})`
  if (column.format !== undefined) return tryFormats(column, text, strict)
  if (column.type === 'list') return tryList(column, text, strict)
  if (column.type === 'struct') return tryStruct(column, text, strict)
  const value = `TRY_CAST(${text} AS ${sqlType(column)})`
  return column.type === 'timestamptz' ? `CASE WHEN ${zoneName(text)} THEN NULL ELSE ${value} END` : value
}

/** A conversion that fails the query on a misfit. It is cheaper than `tryConvert` with a test for null, because no rows are filtered out of vectors. */
export interface FailingConversion {
  readonly value: string
  /** Checks a value that stands elsewhere, and fails on a text that the value does not fully express; undefined where that cannot happen. */
  readonly checked?: (value: string) => string
}

/** Returns the conversion of a fast reading. `name` is that of the column. */
export function mustConvert(
  column: ColumnDefinition,
  text: string,
  { name, strict }: { readonly name: string; readonly strict: boolean },
): FailingConversion {
  const raise = raiseMisfit(name)
  if (column.type === 'string' || column.type === 'binary') {
    const given = tryConvert(column, text, strict)
    return { value: column.required ? `CASE WHEN ${text} IS NULL THEN ${raise} ELSE ${given} END` : given }
  }
  const value = castOrRaise(column, text, { raise, strict })
  if (lossyText(column, text, { value, strict }) === undefined) return { value }
  const checked = (given: string): string =>
    `CASE WHEN ${lossyText(column, text, { value: given, strict })} THEN ${raise} ELSE ${given} END`
  return { value, checked }
}

/** Whether a text fits its column, as SQL that is never null. `value` is the expression of `tryConvert`. */
export function fits(column: ColumnDefinition, text: string, value: string, strict: boolean): string {
  const whenNull = column.required ? 'false' : 'true'
  if (column.type === 'string' || column.type === 'binary') return column.required ? `(${text} IS NOT NULL)` : 'true'
  const lossy = lossyText(column, text, { value, strict })
  const exact = lossy === undefined ? '' : ` AND NOT (${lossy})`
  return `(CASE WHEN ${text} IS NULL THEN ${whenNull} ELSE (${value} IS NOT NULL${exact}) END)`
}

/**
 * Fails the query. The name also makes the expressions of columns differ in a constant: the engine looks for equal
 * expressions in a list by their hash, which is the same for all in which a column stands an even number of times.
 */
export const raiseMisfit = (name: string): string =>
  `error(${quoteText(`fanmill: a value of column ${name} does not fit`)})`

function castOrRaise(
  column: ColumnDefinition,
  text: string,
  { raise, strict }: { readonly raise: string; readonly strict: boolean },
): string {
  if (column.format !== undefined || column.type === 'list' || column.type === 'struct')
    return `CASE WHEN ${text} IS NULL THEN ${column.required ? raise : 'NULL'} ELSE coalesce(${tryConvert(column, text, strict)}, ${raise}) END`
  return `CAST(${column.required ? `coalesce(${text}, ${raise})` : text} AS ${sqlType(column)})`
}

/** Returns the value by the first format that fits: with several, a format must express the whole text. */
function tryFormats(column: ColumnDefinition, text: string, strict: boolean): string {
  const formats = formatsOf(column)
  const values = formats.map(format => {
    const value = `CAST(try_strptime(${text}, ${quoteText(format)}) AS ${sqlType(column)})`
    const lossy = formats.length === 1 ? undefined : inexactFormat(column, text, { value, format, strict })
    return lossy === undefined ? value : `CASE WHEN NOT (${lossy}) THEN ${value} END`
  })
  return firstOf(values)
}

/** Returns the first of these values that is not null, as SQL. */
export const firstOf = (values: readonly string[]): string =>
  values.length === 1 ? (values[0] as string) : `coalesce(${values.join(', ')})`

const formatsOf = ({ format = [] }: ColumnDefinition): readonly string[] =>
  typeof format === 'string' ? [format] : format

/** Converts each item of an array of texts as its own column; null when one of them does not fit. */
function tryList(column: ColumnDefinition, text: string, strict: boolean): string {
  const items = `TRY(from_json_strict(CAST(${text} AS JSON), '["VARCHAR"]'))`
  const inner = column.items
  if (inner === undefined || (inner.type === 'string' && isPlain(inner))) return items
  // Lists in lists need different names: a lambda sees the names of the lambdas around it.
  const item = `i${depthOf(inner)}`
  const read = readableText(inner, itemText(inner, item))
  const value = tryConvert(inner, read, strict)
  const bad = `list_filter(${items}, lambda ${item}: NOT ${fits(inner, read, value, strict)})`
  return `CASE WHEN len(${bad}) = 0 THEN list_transform(${items}, lambda ${item}: ${value}) END`
}

/** Returns the text of a value within JSON as it would stand alone. */
const itemText = ({ type }: ColumnDefinition, text: string): string => (type === 'decimal' ? decimalText(text) : text)

function depthOf({ items, fields }: ColumnDefinition): number {
  const inner = [...(items ? [items] : []), ...Object.values(fields ?? {})]
  return inner.length === 0 ? 0 : 1 + Math.max(...inner.map(depthOf))
}

/** Converts each field of an object as its own column; null where one of them does not fit. The text is bound, so that it is read once. */
function tryStruct(column: ColumnDefinition, text: string, strict: boolean): string {
  const object = `o${depthOf(column)}`
  const fields = fieldsOf(column, object)
  const values = fields.map(({ name, field, text: own }) => `${quoteName(name)} := ${tryConvert(field, own, strict)}`)
  const fit = fields.map(({ field, text: own }) => fits(field, own, tryConvert(field, own, strict), strict))
  const packed = `CASE WHEN ${fit.join(' AND ')} THEN struct_pack(${values.join(', ')}) END`
  return `list_transform([${validJson(text)}], lambda ${object}: CASE WHEN ${isObjectText(column, object, strict)} THEN ${packed} END)[1]`
}

/** Returns a text that is JSON, null for others: the engine may extract fields before it looks at conditions. */
export const validJson = (text: string): string => `CASE WHEN json_valid(${text}) THEN ${text} END`

/** Whether a JSON text is an object; strictly, one in which each field stands once. */
export function isObjectText({ fields = {} }: ColumnDefinition, text: string, strict: boolean): string {
  const groups = Object.entries(fields).map(([name, field]) => namesInFile(name, field))
  const once = groups.map(keys => hasAtMostOne(text, keys))
  const isObject = `json_type(${text}) = 'OBJECT'`
  return `CASE WHEN ${isObject} THEN ${strict ? once.join(' AND ') : 'true'} ELSE false END`
}

/** Returns the fields of a struct with their texts, as SQL. */
export function fieldsOf(column: ColumnDefinition, object: string) {
  return Object.entries(column.fields ?? {}).map(([name, field]) => {
    const texts = namesInFile(name, field).map(key => fieldText(field, object, key))
    return { name, field, text: readableText(field, itemText(field, firstOf(texts))) }
  })
}

function fieldText({ type }: ColumnDefinition, object: string, key: string): string {
  const path = quoteText(jsonPointer(key))
  if (type !== 'json') return `json_extract_string(${object}, ${path})`
  return `nullif(CAST(json_extract(${object}, ${path}) AS VARCHAR), 'null')`
}

interface Converted {
  /** The expression that converts the text, or where its value stands. */
  readonly value: string
  readonly strict: boolean
}

/** True where a text must not be read: it would lose something (when reading is strict), or the engine would read later texts wrongly. */
function lossyText(column: ColumnDefinition, text: string, { value, strict }: Converted): string | undefined {
  const [format, other] = formatsOf(column)
  if (format !== undefined)
    return strict && other === undefined ? inexactFormat(column, text, { value, format, strict }) : undefined
  if (strict) return inexact(column, text, value)
  return column.type === 'timestamptz' ? zoneName(text) : undefined
}

/** True where a text has a time that a date would drop, or a year of two digits where the format has four: `24` is not the year 24. */
function inexactFormat(
  { type }: ColumnDefinition,
  text: string,
  { value, format, strict }: Converted & { readonly format: string },
): string | undefined {
  const specifiers = format.replaceAll('%%', '')
  const conditions = [
    ...(strict && type === 'date' && /%-?[cfgnpzHIMSTXZ]/.test(specifiers)
      ? [`try_strptime(${text}, ${quoteText(format)}) <> ${value}`]
      : []),
    ...(type !== 'time' && specifiers.includes('%Y')
      ? [`year(${value}) < 1000 AND NOT contains(${text}, lpad(CAST(year(${value}) AS VARCHAR), 4, '0'))`]
      : []),
  ]
  return conditions.length === 0 ? undefined : conditions.map(each => `(${each})`).join(' OR ')
}

/** The engine reads a text without zone in the zone that an earlier text names, so texts with zone names are refused. */
const zoneName = (text: string): string =>
  `regexp_matches(${text}, '[A-Za-z]{2}') AND NOT regexp_matches(${text}, ' ?UTC$')`

/**
 * True where a text converts to something else than it says: `1.5` to an integer, a decimal that would be rounded, an
 * offset in a timestamp without zone. The cheap test comes first: most values print as they were written.
 */
function inexact(column: ColumnDefinition, text: string, value: string): string | undefined {
  // The engine ignores underscores, and makes infinity of too many digits or too large an exponent.
  if (column.type.startsWith('float'))
    return `(contains(${text}, '_') OR (isinf(${value}) AND NOT contains(lower(${text}), 'inf')))`
  if (column.type === 'json' || column.type === 'list' || column.type === 'struct')
    return `(${looseJson(text)} AND ${looseJson(withoutStrings(text))})`
  const pattern = exactPattern(column)
  if (pattern === undefined) return undefined
  const isOther = `NOT regexp_full_match(${text}, ${quoteText(pattern)})`
  // A timestamptz must not be converted before it is known to name no zone; and the time 24:00:00 prints as it is written.
  if (column.type === 'timestamptz' || column.type === 'time') return isOther
  // CASE in place of AND: with thousands of columns, the engine takes milliseconds to bind each AND.
  const lossy = `CASE WHEN CAST(${value} AS VARCHAR) <> ${text} THEN ${isOther} ELSE false END`
  return column.type === 'date' || column.type === 'timestamp' ? `(${lossy} OR NOT isfinite(${value}))` : lossy
}

/** True where a text may have what the engine's parser accepts and others do not. */
const looseJson = (text: string): string => `regexp_matches(${text}, ',\\s*[\\]}]|nan|inf', 'i')`

const day = '[+-]?\\d{1,6}-\\d{1,2}-\\d{1,2}'
const minutes = ':\\d{2}(:\\d{2}(\\.\\d{1,6}0*)?)?'
const timeOfDay = `\\d{1,2}${minutes}`

function exactPattern(column: ColumnDefinition): string | undefined {
  if (column.type.includes('int')) return '[+-]?[0-9]+'
  switch (column.type) {
    case 'decimal':
      return `[+-]?\\d*(\\.\\d{0,${column.scale ?? 3}}0*)?`
    case 'date':
      return day
    case 'time':
      // 24:00:00 is not a time of day.
      return `([01]?\\d|2[0-3])${minutes}`
    case 'timestamp':
      return `${day}([ T]${timeOfDay})?`
    case 'timestamptz':
      return `${day}([ T]${timeOfDay}( ?(Z|UTC|[+-](0?\\d|1[0-5])(:?[0-5]\\d)?))?)?`
    default:
      return undefined
  }
}
