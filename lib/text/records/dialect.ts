/** Describes how the bytes of a text are cut into records and fields. */
import { Buffer } from 'node:buffer'
import type { TextEncoding } from '../../define/definition.ts'
import { layoutOfText, type TextFormat, type TextLayout } from '../../define/formats/format-kind.ts'
import { encodeText } from '../encoding.ts'

/** How fields are delimited and quoted. `quote` and `escape` are one ASCII character or empty, `comment` is ASCII text; `encoding` is that of the bytes, by default UTF-8. */
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

/** Returns the dialect of a format's text. */
export function dialectOf(format: TextFormat, encoding: TextEncoding = 'utf-8'): Dialect {
  const { delimiter, quote, escape: escapeCharacter, comment, hasBlankRecords } = layoutOfText(format)
  return { delimiter, quote, escape: escapeCharacter, comment, encoding, hasBlankRecords }
}

/** Returns what stands above the records of a text. */
export const topOf = (format: TextFormat): Pick<TextLayout, 'skip' | 'header' | 'skipAfterHeader'> =>
  layoutOfText(format)

/** Returns the encoding that a format declares, by default UTF-8. */
export const encodingOf = (format: TextFormat): TextEncoding => layoutOfText(format).encoding

/** A dialect as bytes; an absent character is -1, which equals no byte. */
export interface DialectBytes {
  readonly delimiter: Uint8Array
  readonly quote: number
  readonly escape: number
  readonly comment: Uint8Array
}

/** Returns the bytes that scanners look for. Without an escape character the quote escapes itself. */
export function toBytes(dialect: Dialect): DialectBytes {
  const { delimiter, quote, comment = '', encoding = 'utf-8' } = dialect
  const quoteByte = byteOf(quote)
  return {
    delimiter: encodeText(delimiter, encoding) ?? Buffer.from(delimiter),
    quote: quoteByte,
    escape: quoteByte === -1 || dialect.escape === '' ? quoteByte : byteOf(dialect.escape),
    comment: Buffer.from(comment),
  }
}

export const isNewline = (byte: number | undefined): boolean => byte === 10 || byte === 13

function byteOf(character: string): number {
  return character === '' ? -1 : character.charCodeAt(0)
}
