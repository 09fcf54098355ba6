/** Tests that a line is a JSON object that every parser reads alike, as SQL over the column `line`. */
import { quoteText, quoteTexts } from '../../../duckdb/quote.ts'
import type { RecordTest } from './text-source.ts'

export interface RecordOptions {
  /** Also refuses what the engine reads and other parsers do not: trailing commas, and a key that stands twice. */
  readonly strict: boolean
  /** Refuses any key that stands twice: a first reading may refuse a line that a careful one accepts. Default false. */
  readonly isFast?: boolean | undefined
  /** Keys, in their order, that most lines have: a line with exactly these keys needs no other test. */
  readonly commonKeys?: readonly string[] | undefined
  /** Reads keys that are not declared as well. Default false. */
  readonly keepNew?: boolean | undefined
  /** Keys of one column each, of which a record has at most one. Default none. */
  readonly others?: readonly (readonly string[])[] | undefined
}

/** The tests of a line, in order. `declared` are the keys that are read. */
export function jsonTests(declared: readonly string[], options: RecordOptions): readonly RecordTest[] {
  const object = { isMet: isObject, expected: 'a JSON object' }
  if (!options.strict) return [object]
  return [
    object,
    { isMet: hasNoTrailingComma, expected: 'a JSON object without trailing commas' },
    { isMet: hasUniqueKeys(declared, options), expected: 'a JSON object in which each key stands once' },
    ...(options.others ?? []).filter(({ length }) => length > 1).map(oneKey),
  ]
}

/** Whether an object, the text `json` in SQL, has at most one of the keys, and that one once. */
export const hasAtMostOne = (json: string, keys: readonly string[]): string =>
  `len(list_filter(json_keys(${json}), lambda k: list_contains(${quoteTexts(keys)}, k))) < 2`

const oneKey = (keys: readonly string[]): RecordTest => ({
  isMet: hasAtMostOne('line', keys),
  expected: `a JSON object with one of the keys ${keys.join(', ')}`,
})

const isObject = String.raw`CASE WHEN json_valid(line) THEN starts_with(ltrim(line, e' \t\r'), '{') ELSE false END`

const trailingComma = String.raw`',[ \t\r]*[\]}]'`

const stringPattern = String.raw`'"(?:\\.|[^"\\])*"'`

/** A JSON text whose strings are empty, as SQL: what is found in it stands outside of strings. */
export const withoutStrings = (text: string): string => `regexp_replace(${text}, ${stringPattern}, '""', 'g')`

/** Lines where the cheap test finds a comma are tested again without their strings. */
const hasNoTrailingComma = `CASE WHEN regexp_matches(line, ${trailingComma})
  THEN NOT regexp_matches(${withoutStrings('line')}, ${trailingComma}) ELSE true END`

/** Comparing with a list of keys is much cheaper than comparing the keys with each other. */
function hasUniqueKeys(declared: readonly string[], options: RecordOptions): string {
  const { isFast = false, keepNew = false, commonKeys } = options
  const keys =
    isFast || keepNew
      ? 'json_keys(line)'
      : `list_filter(json_keys(line), lambda k: list_contains(${quoteTexts(declared)}, k))`
  const test = `len(${keys}) = len(list_distinct(${keys}))`
  return commonKeys ? `CASE WHEN json_keys(line) = ${quoteTexts(commonKeys)} THEN true ELSE ${test} END` : test
}

/** The JSON pointer of a key, whatever characters it has. */
export const jsonPointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/**
 * The text of a decimal, where the engine prints a JSON number with an exponent: `0.0000001`, and `1e-7`, as `1e-07`. It prints at
 * most 17 digits, so that none is lost.
 */
export function decimalText(text: string): string {
  const digits = (scale: number): string => `CAST(TRY_CAST(${text} AS DECIMAL(38, ${scale})) AS VARCHAR)`
  const small = String.raw`regexp_full_match(${text}, '-?\d([.]\d+)?e-(0?\d|1\d|20)')`
  const large = String.raw`regexp_full_match(${text}, '-?\d([.]\d+)?e[+]?[123]\d')`
  return `CASE WHEN NOT contains(${text}, 'e') THEN ${text} WHEN ${small} THEN rtrim(${digits(37)}, '0')
    WHEN ${large} THEN coalesce(${digits(0)}, ${text}) ELSE ${text} END`
}

const pair = String.raw`'\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})'`
const surrogate = String.raw`'\\u[dD][89a-fA-F][0-9a-fA-F]{2}'`
const escapedBackslash = quoteText('\\\\')

/** Escaped backslashes and whole pairs are marked with a character that no JSON text holds, and restored afterwards. */
const withoutHalves = [
  (sql: string) => `replace(${sql}, ${escapedBackslash}, concat(chr(1), 'b'))`,
  (sql: string) => String.raw`regexp_replace(${sql}, ${pair}, concat(chr(1), 'u\1', chr(1), 'u\2'), 'g')`,
  (sql: string) => `regexp_replace(${sql}, ${surrogate}, '\ufffd', 'g')`,
  (sql: string) => String.raw`replace(${sql}, concat(chr(1), 'u'), '\u')`,
  (sql: string) => `replace(${sql}, concat(chr(1), 'b'), ${escapedBackslash})`,
].reduce((sql, step) => step(sql), 'line')

/**
 * The line with the replacement character for each half of a surrogate pair (`"\ud83d"`, where a text was cut between
 * the halves), as other parsers read it; the engine refuses the whole line.
 */
export const readableLine = `CASE WHEN json_valid(line) OR NOT regexp_matches(line, ${surrogate}) OR contains(line, chr(1))
  THEN line ELSE ${withoutHalves} END`
