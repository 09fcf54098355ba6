/** JSON lines as a relation: the text of each declared column, with every digit that the line has. */
import type { ColumnDefinition, Columns } from '../../define/definition.ts'
import { quoteText, quoteTexts } from '../duckdb/quote.ts'
import { jsonTests, type RecordOptions, readableLine } from './json-record.ts'
import { newType } from './read-columns.ts'
import { allMet } from './record-test.ts'
import type { TextSource } from './text-source.ts'

/**
 * `from` has the lines in its column `line`. The engine reads a JSON number with a point or an exponent as a double,
 * which keeps some 15 digits: those of the line are found again, and where that cannot be, the text is made to be a misfit.
 */
export function jsonSource(
  from: string,
  columns: Columns,
  { isExact = true, ...options }: JsonSourceOptions = {},
): Omit<TextSource, 'all' | 'used'> {
  const tests = jsonTests(Object.keys(columns), { ...options, isStrict: isExact })
  const isValid = allMet(tests)
  const names = Object.keys(columns)
  const isJson = (name: string): boolean => columns[name]?.type === 'json'
  const isText = (name: string): boolean => ['string', 'binary', 'decimal'].includes(columns[name]?.type ?? '')
  const lists = {
    texts: { names: names.filter(name => !isJson(name)), of: 'json_extract_string' },
    documents: { names: names.filter(isJson), of: 'json_extract' },
    types: { names: isExact ? names.filter(isText) : [], of: 'json_type' },
  }
  const selects = Object.entries(lists)
    .filter(([, list]) => list.names.length > 0)
    .map(
      ([name, list]) =>
        `CASE WHEN ${isValid} THEN ${list.of}(line, ${quoteTexts(list.names.map(pointer))}) END AS ${name}`,
    )
  const at = (list: keyof typeof lists, name: string): string => `${list}[${lists[list].names.indexOf(name) + 1}]`
  const text = (name: string): string => {
    if (isJson(name)) return documentText(`nullif(CAST(${at('documents', name)} AS VARCHAR), 'null')`, isExact)
    const found = at('texts', name)
    if (columns[name]?.type === 'list') return documentText(found, isExact && mayLoseDigits(itemsOf(columns[name])))
    return lists.types.names.includes(name) ? numberText(name, columns[name], found, at('types', name)) : found
  }
  const written = options.isFast ? from : `(SELECT * REPLACE (${readableLine} AS line), line AS written FROM ${from})`
  return {
    from: `(SELECT ${['*', ...selects].join(', ')} FROM ${written})`,
    text,
    undeclared: [],
    ownNew: ownNew(names, isValid),
    recordText: options.isFast ? 'line' : 'written',
    keyOf: name => `(CASE WHEN ${isValid} THEN json_exists(line, ${quoteText(pointer(name))}) ELSE false END)`,
    record: { tests, received: options.isFast ? 'line' : 'written' },
  }
}

export interface JsonSourceOptions extends Omit<RecordOptions, 'isStrict'> {
  /** Refuse what other parsers read otherwise, and look for the digits that the engine loses. Default true. */
  readonly isExact?: boolean
}

/** Of a key of the object, whatever characters it has. */
const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A float has the digits that it has; the others read a double's text as it is not. */
const mayLoseDigits = (column: ColumnDefinition | undefined): boolean =>
  column?.type === 'string' || column?.type === 'decimal' || column?.type === 'json' || column?.type === 'list'

const itemsOf = (column: ColumnDefinition | undefined): ColumnDefinition | undefined =>
  column && 'items' in column ? (column.items as ColumnDefinition) : undefined

/** A number as the line writes it; a decimal of few digits is exact as it is. Where that is not found, a decimal is no decimal, and a string is what the engine makes of it. */
function numberText(name: string, column: ColumnDefinition | undefined, text: string, type: string): string {
  const key = JSON.stringify(name).replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&')
  const written = `regexp_extract_all(line, ${quoteText(`${key}\\s*:\\s*(-?[0-9][-+.eE0-9]*)`)}, 1)`
  const same = `list_distinct(list_filter(${written}, lambda t: t = ${text} OR TRY_CAST(t AS DOUBLE) = TRY_CAST(${text} AS DOUBLE)))`
  const isString = column?.type !== 'decimal'
  const digits = `strlen(regexp_replace(${text}, '[eE].*|[^0-9]', '', 'g'))`
  const found = `CASE WHEN len(${same}) = 1 THEN ${same}[1] ELSE ${isString ? text : `${text} || ${quoteText(misfitRemark)}`} END`
  return `CASE WHEN ${type} = 'DOUBLE'${isString ? '' : ` AND ${digits} > 15`} THEN ${found} ELSE ${text} END`
}

const misfitRemark = ' (as a double; write it as a string)'

/**
 * Numbers of more digits than any double has stand in few lines: those of the line are looked for there alone, and are lost where
 * the document has the engine's double of one whose digits are others. Programs print a double in its fewest digits, or in 17.
 */
function documentText(text: string, isExact: boolean): string {
  if (!isExact) return text
  const numbers = `regexp_extract_all(regexp_replace(line, ${jsonString}, '""', 'g'), '${jsonNumber}')`
  const own = `regexp_extract_all(regexp_replace(${text}, ${jsonString}, '""', 'g'), '${jsonNumber}')`
  const printed = `json_extract_string(t, '$')`
  const lost = `list_filter(${numbers}, lambda t: regexp_matches(t, '[.eE]') AND ${digitsOf('t')} NOT IN (${digitsOf(printed)}, ${digitsOf("printf('%.17g', TRY_CAST(t AS DOUBLE))")}) AND list_contains(${own}, ${printed}))`
  return `CASE WHEN ${text} IS NOT NULL AND regexp_matches(line, '[0-9.]{18}') THEN CASE WHEN len(${lost}) > 0 THEN ${text} || ${quoteText(misfitRemark)} ELSE ${text} END ELSE ${text} END`
}

const jsonNumber = '-?[0-9]+(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?'

/** The significant digits of a number: without its exponent, its point, and zeros at either end. */
const digitsOf = (number: string): string => `trim(regexp_replace(${number}, '[eE].*|[^0-9]', '', 'g'), '0')`

const jsonString = `'"(?:\\\\.|[^"\\\\])*"'`

/** Names and texts of the keys that are not declared. */
function ownNew(declared: readonly string[], isValid: string): TextSource['ownNew'] {
  const names = `CASE WHEN ${isValid} THEN list_sort(list_distinct(list_filter(json_keys(line), lambda k: NOT list_contains(${quoteTexts(declared)}, k)))) ELSE [] END`
  const path = `'/' || replace(replace(k, '~', '~0'), '/', '~1')`
  const entries = `list_transform(${names}, lambda k: {'key': k, 'value': json_extract_string(line, ${path})})`
  return { names, map: `CAST(map_from_entries(${entries}) AS ${newType})` }
}
