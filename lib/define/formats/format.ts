/** Builds the formats of files. */
import * as v from 'valibot'
import { check, invalid, options, show } from '../check.ts'
import type { CsvFormat, JsonLinesFormat, LinesFormat, ParquetFormat } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { count, flag, oneOf, texts } from '../schemas.ts'
import { anyEncoding, declaredEncoding, type EncodingOptions, encodingNamed } from './encoding-options.ts'
import { readPattern } from './line-pattern.ts'

/** The options of `csv`. All have defaults. */
export type CsvOptions = Partial<Omit<CsvFormat, 'kind' | 'encoding'>> & EncodingOptions
export type Csv = Refined<CsvFormat, CsvOptions>
export type JsonLines = Refined<JsonLinesFormat, EncodingOptions>
export type Lines = Refined<LinesFormat, LinesOptions>
export type ParquetFiles = Refined<ParquetFormat, NoOptions>
export type NoOptions = Readonly<Record<never, never>>

/** The options of `lines`. */
export interface LinesOptions extends EncodingOptions {
  /**
   * A regular expression that must match a whole line. Its named groups, `(?<name>…)`, become the columns. RE2 syntax: no
   * look-around and no back-references. Required.
   * @example lines({ pattern: /(?<at>\S+) (?<level>[A-Z]+) (?<text>.*)/ })
   */
  readonly pattern: string | RegExp
}

/**
 * Delimited text, by default with commas, double quotes and a header. An empty unquoted field is null, `""` an empty string.
 * @example csv({ delimiter: ';', nullValues: ['', 'NA'] })
 */
export function csv(given: CsvOptions = {}): Csv {
  const checked = check('csv', csvOptions, given)
  const quote = checked.quote ?? '"'
  const isEscaped = quote === '' && (checked.escape ?? '') !== ''
  const data: CsvFormat = {
    kind: 'csv',
    delimiter: checked.delimiter ?? ',',
    quote,
    escape: checked.escape ?? quote,
    header: checked.header ?? true,
    comment: checked.comment,
    nullValues: checked.nullValues ?? (isEscaped ? [`${checked.escape}N`] : ['']),
    skip: checked.skip ?? 0,
    skipAfterHeader: checked.skipAfterHeader || undefined,
    footer: checked.footer || undefined,
    shortRows: checked.shortRows === 'null' ? 'null' : undefined,
    matchNames: checked.matchNames,
    encoding: encodingNamed(checked.encoding) ?? 'utf-8',
  }
  checkApart(data)
  return refinable(data, given, csv)
}

/**
 * One JSON object a line. Columns are read by their names.
 * @example files({ paths: 'events/*.jsonl', format: jsonLines() })
 */
export function jsonLines(given: EncodingOptions = {}): JsonLines {
  const { encoding } = check('jsonLines', options({ encoding: anyEncoding }), given)
  return refinable({ kind: 'jsonLines', ...declaredEncoding(encoding) }, given, jsonLines)
}

/**
 * Lines of a log, read by a pattern. A line that it does not match is a reject.
 * @example files({ paths: 'logs/*.log', format: lines({ pattern: /(?<at>\S+) (?<text>.*)/ }) })
 */
export function lines(given: LinesOptions): Lines {
  const { pattern, encoding } = check('lines', linesOptions, given)
  return refinable({ kind: 'lines', pattern: readPattern(pattern), ...declaredEncoding(encoding) }, given, lines)
}

/**
 * Parquet files. Columns without a type in `columns` have that of the file.
 * @example files({ paths: 'sales/*.parquet', format: parquetFiles() })
 */
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
const commentText = 'one to eight characters without white space'
const commentMark = v.pipe(
  v.string(commentText),
  v.regex(/^[!-~]{1,8}$/, 'one to eight ASCII characters without white space'),
)

const csvOptions = options({
  delimiter: v.optional(delimiter),
  quote: v.optional(characterOrNone),
  escape: v.optional(characterOrNone),
  header: v.optional(flag),
  comment: v.optional(commentMark),
  nullValues: v.optional(texts),
  skip: v.optional(count(0)),
  skipAfterHeader: v.optional(count(0)),
  footer: v.optional(count(0)),
  shortRows: v.optional(oneOf(['reject', 'null'])),
  matchNames: v.optional(oneOf(['exact', 'ignoreCaseAndSpace'])),
  encoding: anyEncoding,
})

const linesOptions = options({
  pattern: v.union([v.pipe(v.string(), v.nonEmpty()), v.instance(RegExp)], 'a regular expression'),
  encoding: anyEncoding,
})

function checkApart(format: CsvFormat): void {
  const { delimiter, quote, comment } = format
  if (quote !== '' && delimiter.includes(quote))
    throw apart('delimiter', 'a delimiter that is not the quote', delimiter)
  if (comment?.startsWith(delimiter))
    throw apart('comment', 'a comment that does not begin with the delimiter', comment)
  if (comment !== undefined && quote !== '' && comment.includes(quote))
    throw apart('comment', 'a comment without the quote', comment)
  if (format.skipAfterHeader !== undefined && !format.header)
    throw invalid('csv: skipAfterHeader', 'expected none where there is no header; use skip', {
      path: 'skipAfterHeader',
    })
  if (format.matchNames !== undefined && !format.header)
    throw apart('matchNames', 'none where there is no header', format.matchNames)
  if (quote === '' && format.escape !== '' && (delimiter.length > 1 || delimiter === format.escape))
    throw apart('escape', 'a delimiter of one other character where fields are escaped without quotes', delimiter)
  checkNulls(format)
}

/** Refuses null texts that no unquoted field can be, or that the engine cannot tell from an escaped text. */
function checkNulls({ delimiter, quote, escape: escaped, nullValues }: CsvFormat): void {
  const marks = quote === '' ? [delimiter] : [...new Set([delimiter, quote, escaped])].filter(mark => mark !== '')
  const wrong = nullValues.find(text => marks.some(mark => text.includes(mark)))
  const other = 'nullValues of a column also find them, in quotes too'
  if (wrong !== undefined) throw apart('nullValues', `texts without ${marks.map(show).join(', ')} (${other})`, wrong)
}

const apart = (option: string, expected: string, got: string) =>
  invalid(`csv: ${option}`, `expected ${expected}, got ${show(got)}`, { path: option })

function isCharacter(value: string): boolean {
  return value.length === 1 && value < '\x7f' && lineFree(value)
}
