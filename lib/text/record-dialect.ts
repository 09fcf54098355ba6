/** Describes how the bytes of a text are cut into records and fields. */
import { Buffer } from 'node:buffer'
import type { CsvFormat, JsonLinesFormat, LinesFormat, TextEncoding } from '../define/definition.ts'
import { matchesBlank } from '../define/line-pattern.ts'
import { encodeText } from './encoding.ts'

/** A format whose text can be cut at the ends of records. */
export type TextFormat = CsvFormat | JsonLinesFormat | LinesFormat

/** How fields are delimited and quoted. `quote`, `escape` and `comment` are one ASCII character or empty; `encoding` is that of the bytes, by default UTF-8. */
export interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly comment?: string
  readonly encoding?: TextEncoding
  /** Whether blank lines are records; default false. */
  readonly hasBlankRecords?: boolean
}

/** Bytes of the longest record that is read: 64 MiB. A longer one most likely has a quote that was left open. */
export const longestRecordBytes = 64 * 1024 * 1024

/** Delimiter of the columns of staged lines (JSON lines, log lines). Four bytes are the most that the engine takes. */
export const lineDelimiter = '\x1e\x1f\x1e\x1f'

/** Returns the dialect of a format's text. Lines have neither quotes nor fields, and a blank one is a record where their pattern matches it. */
export function dialectOf(format: TextFormat, encoding: TextEncoding = 'utf-8'): Dialect {
  if (format.kind !== 'csv') {
    const hasBlankRecords = format.kind === 'lines' && matchesBlank(format.pattern)
    return { delimiter: lineDelimiter, quote: '', escape: '', encoding, hasBlankRecords }
  }
  const { delimiter, quote, escape: escapeCharacter, comment } = format
  return { delimiter, quote, escape: escapeCharacter, comment, encoding }
}

/** Returns what stands above the records of a text: only CSV has lines to skip, and a header. */
export const topOf = (format: TextFormat): { readonly skip: number; readonly header: boolean } =>
  format.kind === 'csv' ? format : noTop
const noTop = { skip: 0, header: false }

/** Returns the encoding that a format declares, by default UTF-8. */
export function encodingOf(format: TextFormat): TextEncoding {
  return format.encoding ?? 'utf-8'
}

/** A dialect as bytes; an absent character is -1, which equals no byte. */
export interface DialectBytes {
  readonly delimiter: Uint8Array
  readonly quote: number
  readonly escape: number
  readonly comment: number
}

/** Returns the bytes that scanners look for. Without an escape character the quote escapes itself. */
export function toBytes(dialect: Dialect): DialectBytes {
  const { delimiter, quote, comment = '', encoding = 'utf-8' } = dialect
  const quoteByte = byteOf(quote)
  return {
    delimiter: encodeText(delimiter, encoding) ?? Buffer.from(delimiter),
    quote: quoteByte,
    escape: quoteByte === -1 || dialect.escape === '' ? quoteByte : byteOf(dialect.escape),
    comment: byteOf(comment),
  }
}

function byteOf(character: string): number {
  return character === '' ? -1 : character.charCodeAt(0)
}
