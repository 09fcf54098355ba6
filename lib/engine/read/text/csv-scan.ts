/** The engine's CSV reader over staged text, and over the line files that Fanmill itself writes. */
import type { CsvFormat } from '../../../define/definition.ts'
import { lineDelimiter } from '../../../define/formats/format-kind.ts'
import { quoteText, quoteTexts } from '../../../duckdb/quote.ts'
import { greatest } from '../../../model/greatest.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { longestRecordBytes } from '../../../text/records/dialect.ts'
import type { TextSourceOptions } from './text-source.ts'

/** Names of the prefix that located staging puts before each record. */
export const prefixColumns = ['_fanmill_member', '_fanmill_line', '_fanmill_record'] as const

/** The prefix columns that the files have. */
export const prefixOf = (files: readonly StagedFile[]): readonly string[] => (files[0]?.located ? prefixColumns : [])

/** Bytes of the longest record that a fast scan reads; a careful one takes the longest that there may be. */
const fastRecordBytesMax = 2_097_152
/** The engine keeps two buffers of this size in its memory; with wide rows, its vectors need the room. */
const bufferBytesMin = 8_388_608
const wideBufferBytesMin = 4_194_304
const wideColumns = 200
/** Bytes that the engine may count to a record besides its own. */
const recordMargin = 1024

/** Returns a FROM clause with the located prefix, if there is one, and the columns `names`; texts unless `types` has another type. */
export function scanText(
  files: readonly StagedFile[],
  names: readonly string[],
  dialect: Pick<CsvFormat, 'delimiter' | 'quote' | 'escape'> & { readonly nulls: readonly string[] },
  options: Pick<TextSourceOptions, 'badRecords'> & {
    readonly types?: Readonly<Record<string, string>>
    /** Reads the fields that a record lacks as null. Default false. */
    readonly isPadded?: boolean
  },
): string {
  const columns = [...prefixOf(files), ...names]
    .map(name => `${quoteText(name)}: ${quoteText(options.types?.[name] ?? 'VARCHAR')}`)
    .join(', ')
  const isCareful = options.badRecords !== 'fail'
  const bytesMax = isCareful ? longestRecord(files) : fastRecordBytesMax
  const settings = [
    quoteTexts(files.map(file => file.file)),
    `columns = {${columns}}`,
    'auto_detect = false, header = false, allow_quoted_nulls = false',
    // Without this setting the engine takes the style of the first newline, even of a quoted one.
    `new_line = '${files[0]?.newline === 'crlf' ? '\\r\\n' : '\\n'}'`,
    `delim = ${quoteText(dialect.delimiter)}, quote = ${quoteText(dialect.quote)}, escape = ${quoteText(dialect.escape)}`,
    `nullstr = ${nullTexts(dialect.nulls, dialect)}`,
    `max_line_size = ${bytesMax}, buffer_size = ${Math.max(names.length > wideColumns ? wideBufferBytesMin : bufferBytesMin, bytesMax)}`,
    // A parallel scan starts again in the middle of the text and loses its place near bad records; one that is not parallel does not report an open quote.
    (isCareful && !files.some(file => file.isOpen)) || options.isPadded ? 'parallel = false' : '',
    options.isPadded ? 'null_padding = true' : '',
    badRecordSettings[options.badRecords],
  ]
  return `read_csv(${settings.filter(Boolean).join(', ')})`
}

/** The longest record that the files have: the engine takes the memory of a buffer before it reads. */
function longestRecord(files: readonly StagedFile[]): number {
  const longest = greatest(files, file => file.longestRecord ?? file.bytes)
  return Math.min(longestRecordBytes, Math.max(fastRecordBytesMax, longest + recordMargin))
}

const badRecordSettings = {
  fail: '',
  keep: "store_rejects = true, rejects_table = 'fanmill_errors', rejects_scan = 'fanmill_scans', rejects_limit = 0",
  ignore: 'ignore_errors = true',
}

/** Returns a FROM clause over files of lines as texts, whose fields stand between `lineDelimiter`s. */
export function scanLines(files: readonly string[], names: readonly string[]): string {
  const columns = names.map(name => `${quoteText(name)}: 'VARCHAR'`).join(', ')
  return `read_csv(${quoteTexts(files)}, columns = {${columns}}, auto_detect = false, header = false,
    delim = ${quoteText(lineDelimiter)}, quote = '', escape = '', nullstr = ${nullTexts([], { delimiter: lineDelimiter, quote: '', escape: '' })})`
}

type Marks = Pick<CsvFormat, 'delimiter' | 'quote' | 'escape'>

/** The texts that are null, as SQL. An empty list becomes a text that does not occur: by default the engine reads an empty field as null. */
export const nullTexts = (nulls: readonly string[], marks: Marks): string =>
  quoteTexts(nulls.length > 0 ? nulls : [absentText(marks)])

/** Returns a text without the delimiter, quote and escape, which the engine refuses in texts that are null. */
const absentText = ({ delimiter, quote, escape: escaped }: Marks): string =>
  absentTexts.find(text => ![delimiter, quote, escaped].some(mark => mark !== '' && text.includes(mark))) ?? ''

const absentTexts = ['\u0001fanmill no null\u0001', ...['\u0002', '\u0003', '\u0004'].map(each => each.repeat(31))]
