/** How the bytes of a text are cut into records and fields. */
import type { CsvFormat, JsonLinesFormat, LinesFormat, TextEncoding } from '../define/definition.ts'
import { matchesBlank } from '../define/line-pattern.ts'
import { encodeText } from './encoding.ts'

/** A format whose text is cut on record ends. */
export type TextFormat = CsvFormat | JsonLinesFormat | LinesFormat

/** `quote`, `escape` and `comment` are one ASCII character or empty; `encoding` is that of the bytes, by default UTF-8. */
export interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly comment?: string
  readonly encoding?: TextEncoding
  /** Blank lines are records; default false. */
  readonly hasBlankRecords?: boolean
}

/** Bytes of the longest record that is read: 64 MiB. In a longer one a quote was left open, most likely. */
export const longestRecordBytes = 64 * 1024 * 1024

/** Parts the columns of staged lines (JSON lines, log lines); four bytes is the longest that the engine takes. */
export const lineDelimiter = '\x1e\x1f\x1e\x1f'

/** The dialect of a format's text; lines have neither quotes nor fields. A blank line is a record where a pattern of lines matches it. */
export function dialectOf(format: TextFormat, encoding: TextEncoding = 'utf-8'): Dialect {
  if (format.kind !== 'csv') {
    const hasBlankRecords = format.kind === 'lines' && matchesBlank(format.pattern)
    return { delimiter: lineDelimiter, quote: '', escape: '', encoding, ...(hasBlankRecords && { hasBlankRecords }) }
  }
  const { delimiter, quote, comment } = format
  return { delimiter, quote, escape: format.escape, encoding, ...(comment === undefined ? {} : { comment }) }
}

/** The encoding that a format declares. */
export function encodingOf(format: TextFormat): TextEncoding {
  return format.encoding ?? 'utf-8'
}

/** A dialect as bytes; an absent character is -1, which no byte equals. */
export interface DialectBytes {
  readonly delimiter: Uint8Array
  readonly quote: number
  readonly escape: number
  readonly comment: number
}

/** The bytes that the scanners compare with; without an escape character the quote escapes itself. */
export function toBytes(dialect: Dialect): DialectBytes {
  const { delimiter, quote, comment = '', encoding = 'utf-8' } = dialect
  const quoteByte = byteOf(quote)
  return {
    delimiter: encodeText(delimiter, encoding) ?? encodeText(delimiter, 'utf-8') ?? noBytes,
    quote: quoteByte,
    escape: quoteByte === -1 || dialect.escape === '' ? quoteByte : byteOf(dialect.escape),
    comment: byteOf(comment),
  }
}

const noBytes = new Uint8Array(0)

function byteOf(character: string): number {
  return character === '' ? -1 : character.charCodeAt(0)
}
