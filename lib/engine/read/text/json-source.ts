/** JSON lines as a relation: the text of each declared column, with every digit that the line has. */
import { namesInFile } from '../../../define/columns/file-names.ts'
import type { ColumnDefinition, Columns } from '../../../define/definition.ts'
import { escapeRegExp } from '../../../define/template-syntax.ts'
import { quoteText, quoteTexts } from '../../../duckdb/quote.ts'
import { firstOf } from '../column-sql.ts'
import { newType } from '../read-columns.ts'
import { decimalText, jsonPointer, jsonTests, type RecordOptions, readableLine, withoutStrings } from './json-record.ts'
import { allMet, type TextSource } from './text-source.ts'

/**
 * Reads the lines in the column `line` of `from`. The engine reads a JSON number with a point or an exponent as a double,
 * which keeps some 15 digits: its digits are looked up in the line, and a text whose digits are not found becomes a misfit.
 */
export function jsonSource(from: string, columns: Columns, options: Omit<RecordOptions, 'others'>): TextSource {
  const { strict } = options
  const columnOf = new Map(
    Object.entries(columns).flatMap(([name, column]) => namesInFile(name, column).map(key => [key, column] as const)),
  )
  const names = [...columnOf.keys()]
  const others = Object.entries(columns).map(([name, column]) => namesInFile(name, column))
  const tests = jsonTests(names, { ...options, others })
  const isValid = allMet(tests)
  const isJson = (name: string): boolean => columnOf.get(name)?.type === 'json'
  const isText = (name: string): boolean => ['string', 'binary', 'decimal'].includes(columnOf.get(name)?.type ?? '')
  const lists = {
    texts: keyList(
      'json_extract_string',
      names.filter(name => !isJson(name)),
    ),
    documents: keyList('json_extract', names.filter(isJson)),
    types: keyList('json_type', strict ? names.filter(isText) : []),
  }
  const selects = Object.entries(lists)
    .filter(([, list]) => list.positions.size > 0)
    .map(([name, list]) => `CASE WHEN ${isValid} THEN ${list.sql} END AS ${name}`)
  const at = (list: keyof typeof lists, name: string): string => `${list}[${lists[list].positions.get(name)}]`
  const textOf = (name: string): string => {
    const column = columnOf.get(name)
    if (isJson(name)) return documentText(`nullif(CAST(${at('documents', name)} AS VARCHAR), 'null')`, strict)
    const found = at('texts', name)
    if (column?.type === 'list' || column?.type === 'struct')
      return documentText(found, strict && innerOf(column).some(mayLoseDigits))
    return lists.types.positions.has(name) ? numberText(name, column, found, at('types', name)) : found
  }
  const text = (name: string): string => firstOf(namesInFile(name, columns[name]).map(textOf))
  const hasKey = (name: string): string => `json_exists(line, ${quoteText(jsonPointer(name))})`
  const written = options.isFast ? from : `(SELECT * REPLACE (${readableLine} AS line), line AS written FROM ${from})`
  return {
    from: `(SELECT ${['*', ...selects].join(', ')} FROM ${written})`,
    text,
    ownNew: ownNew(names, isValid),
    recordText: options.isFast ? 'line' : 'written',
    keyOf: name =>
      `(CASE WHEN ${isValid} THEN ${namesInFile(name, columns[name]).map(hasKey).join(' OR ')} ELSE false END)`,
    record: { tests, received: options.isFast ? 'line' : 'written' },
  }
}

/** A list of the values of keys, and the 1-based position of each key in it. */
function keyList(extract: string, names: readonly string[]) {
  return {
    sql: `${extract}(line, ${quoteTexts(names.map(jsonPointer))})`,
    positions: new Map(names.map((name, index) => [name, index + 1])),
  }
}

/** Whether a column would keep too few digits of a number that the engine reads as a double. */
const mayLoseDigits = (column: ColumnDefinition | undefined): boolean =>
  ['string', 'decimal', 'json', 'list', 'struct'].includes(column?.type ?? '')

const innerOf = ({ items, fields }: ColumnDefinition): readonly ColumnDefinition[] =>
  items ? [items] : Object.values(fields ?? {})

/**
 * A number as the line writes it; a decimal of few digits is exact already. Where the line's number is not found, a decimal
 * becomes a misfit, and a string has the engine's text.
 */
function numberText(name: string, column: ColumnDefinition | undefined, text: string, type: string): string {
  const key = escapeRegExp(JSON.stringify(name))
  const numbers = `regexp_extract_all(line, ${quoteText(`${key}\\s*:\\s*(-?[0-9][-+.eE0-9]*)`)}, 1)`
  const same = `list_distinct(list_filter(${numbers}, lambda t: t = ${text} OR TRY_CAST(t AS DOUBLE) = TRY_CAST(${text} AS DOUBLE)))`
  const isString = column?.type !== 'decimal'
  const digits = `strlen(regexp_replace(${text}, '[eE].*|[^0-9]', '', 'g'))`
  const found = `CASE WHEN len(${same}) = 1 THEN ${same}[1] ELSE ${isString ? text : `${text} || ${quoteText(misfitRemark)}`} END`
  if (isString) return `CASE WHEN ${type} = 'DOUBLE' THEN ${found} ELSE ${text} END`
  const written = `list_transform([${found}], lambda t: ${decimalText('t')})[1]`
  return `CASE WHEN ${type} <> 'DOUBLE' THEN ${text} WHEN ${digits} > 15 OR ${hasLongNumber} THEN ${written} ELSE ${decimalText(text)} END`
}

/** Whether the line may have a number of more than 15 digits, of which a double may lose some: `0.10000000000000000001` is 0.1. */
const hasLongNumber = "regexp_matches(line, '[0-9.]{16}')"

const misfitRemark = ' (as a double; write it as a string)'

/**
 * The text of a list or a document; a misfit where it lost digits. Only few lines have numbers with more digits than a
 * double. Digits are lost where the document has the engine's double in place of a number with other digits; programs
 * print a double with its fewest digits, or with 17.
 */
function documentText(text: string, strict: boolean): string {
  if (!strict) return text
  const numbers = `regexp_extract_all(${withoutStrings('line')}, '${jsonNumber}')`
  const own = `regexp_extract_all(${withoutStrings(text)}, '${jsonNumber}')`
  const printed = `json_extract_string(t, '$')`
  const lost = `list_filter(${numbers}, lambda t: regexp_matches(t, '[.eE]') AND ${digitsOf('t')} NOT IN (${digitsOf(printed)}, ${digitsOf("printf('%.17g', TRY_CAST(t AS DOUBLE))")}) AND list_contains(${own}, ${printed}))`
  return `CASE WHEN ${text} IS NOT NULL AND ${hasLongNumber} THEN CASE WHEN len(${lost}) > 0 THEN ${text} || ${quoteText(misfitRemark)} ELSE ${text} END ELSE ${text} END`
}

const jsonNumber = '-?[0-9]+(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?'

/** The significant digits of a number: without its exponent, its point, and zeros at either end. */
const digitsOf = (number: string): string => `trim(regexp_replace(${number}, '[eE].*|[^0-9]', '', 'g'), '0')`

/** Names and texts of the keys that are not declared. */
function ownNew(declared: readonly string[], isValid: string): TextSource['ownNew'] {
  const names = `CASE WHEN ${isValid} THEN list_sort(list_distinct(list_filter(json_keys(line), lambda k: NOT list_contains(${quoteTexts(declared)}, k)))) ELSE [] END`
  const path = `'/' || replace(replace(k, '~', '~0'), '/', '~1')`
  const entries = `list_transform(${names}, lambda k: {'key': k, 'value': json_extract_string(line, ${path})})`
  return { names, map: `CAST(map_from_entries(${entries}) AS ${newType})` }
}
