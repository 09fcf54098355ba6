/** The builders of text and file formats. */
import * as v from 'valibot'
import { check, invalid, options, show } from './check.ts'
import type { CsvFormat, JsonLinesFormat, LinesFormat, ParquetFormat } from './definition.ts'
import { type Refined, refinable } from './freeze.ts'
import { readPattern } from './line-pattern.ts'
import { count, flag, oneOf, texts } from './schemas.ts'

export type CsvOptions = Partial<Omit<CsvFormat, 'kind'>>
export type Csv = Refined<CsvFormat, CsvOptions>
export type JsonLines = Refined<JsonLinesFormat, NoOptions>
export type Lines = Refined<LinesFormat, LinesOptions>
export type ParquetFiles = Refined<ParquetFormat, NoOptions>
export type NoOptions = Readonly<Record<never, never>>

export interface LinesOptions {
  /** Must match a whole line; named groups, `(?<name>…)` or `(?P<name>…)`, become the columns. RE2 syntax: no look-around, no back-references. */
  readonly pattern: string | RegExp
}

/** Delimited text; by default commas, double quotes and a header. An empty unquoted field is null, `""` an empty string. */
export function csv(given: CsvOptions = {}): Csv {
  const checked = check('csv', csvOptions, given)
  const quote = checked.quote ?? '"'
  const data: CsvFormat = {
    kind: 'csv',
    delimiter: checked.delimiter ?? ',',
    quote,
    escape: checked.escape ?? quote,
    header: checked.header ?? true,
    comment: checked.comment,
    nullValues: checked.nullValues ?? [''],
    skip: checked.skip ?? 0,
    encoding: checked.encoding ?? 'utf-8',
  }
  checkApart(data)
  return refinable(data, given, csv)
}

/** One JSON object a line; columns are read by their names. */
export function jsonLines(given: NoOptions = {}): JsonLines {
  check('jsonLines', options({}), given)
  return refinable({ kind: 'jsonLines' }, given, jsonLines)
}

/** Lines of a log: a line that the pattern does not match is a reject. */
export function lines(given: LinesOptions): Lines {
  const { pattern } = check('lines', linesOptions, given)
  return refinable({ kind: 'lines', pattern: readPattern(pattern) }, given, lines)
}

/** Parquet files; types come from the files where `columns` does not say them. */
export function parquetFiles(given: NoOptions = {}): ParquetFiles {
  check('parquetFiles', options({}), given)
  return refinable({ kind: 'parquet' }, given, parquetFiles)
}

const byteLength = (value: string) => new TextEncoder().encode(value).length
const lineFree = (value: string) => !/[\r\n]/.test(value)

const delimiter = v.pipe(
  v.string('one to four bytes'),
  v.check(value => byteLength(value) >= 1 && byteLength(value) <= 4 && lineFree(value), 'one to four bytes'),
)
const characterOrNone = v.pipe(
  v.string('one character, or an empty string for none'),
  v.check(value => value === '' || isCharacter(value), 'one ASCII character, or an empty string for none'),
)
const character = v.pipe(v.string('one character'), v.check(isCharacter, 'one ASCII character'))

const csvOptions = options({
  delimiter: v.optional(delimiter),
  quote: v.optional(characterOrNone),
  escape: v.optional(characterOrNone),
  header: v.optional(flag),
  comment: v.optional(character),
  nullValues: v.optional(texts),
  skip: v.optional(count(0)),
  encoding: v.optional(oneOf(['utf-8', 'latin-1'])),
})

const linesOptions = options({
  pattern: v.union([v.pipe(v.string(), v.nonEmpty()), v.instance(RegExp)], 'a regular expression'),
})

function checkApart(format: CsvFormat): void {
  const { delimiter, quote, comment } = format
  if (quote !== '' && delimiter.includes(quote))
    throw apart('delimiter', 'a delimiter that is not the quote', delimiter)
  if (comment === delimiter) throw apart('comment', 'a comment that is not the delimiter', comment)
  if (comment !== undefined && comment === quote) throw apart('comment', 'a comment that is not the quote', comment)
  if (quote === '' && format.escape !== '') throw apart('escape', 'no escape where there is no quote', format.escape)
}

const apart = (option: string, expected: string, got: string) =>
  invalid(`csv: ${option}`, `expected ${expected}, got ${show(got)}`, { path: option })

function isCharacter(value: string): boolean {
  return value.length === 1 && value < '\x7f' && lineFree(value)
}
