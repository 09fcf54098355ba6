/** Checks the encoding of a text, as far as its bytes show it, and converts it to UTF-8. */
import { Buffer, isAscii } from 'node:buffer'
import type { TextEncoding } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { decodeWindows1252, encodeWindows1252, windows1252ToUtf8 } from './windows-1252.ts'

/** Bytes that are searched for the zeros of UTF-16: enough for any header. */
const sampleBytes = 512

/** Returns the length of the byte order mark at the beginning: 3 for that of UTF-8, otherwise 0. */
export function bomBytes(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/** Returns a text without the byte order mark of UTF-8. */
export const withoutBom = (bytes: Uint8Array): Uint8Array => bytes.subarray(bomBytes(bytes))

/**
 * Refuses a text whose first bytes show another encoding: UTF-16, recognised by its byte order mark or by a zero in every
 * other byte, and UTF-8 with a byte order mark where another encoding is declared.
 * @throws INPUT_ENCODING
 */
export function checkEncoding(bytes: Uint8Array, encoding: TextEncoding): void {
  const utf16 = utf16Of(bytes)
  if (utf16 !== undefined) {
    const message = `expected text in ${encoding}, got ${utf16}; set encoding: 'utf-16' in the format`
    throw new PermanentError('INPUT_ENCODING', message, { encoding: utf16 })
  }
  if (encoding !== 'utf-8' && bomBytes(bytes) > 0) {
    const message = `expected text in ${encoding}, as the format says, got one that begins with the byte order mark of UTF-8; remove encoding from the format, or read this file by a task of its own`
    throw new PermanentError('INPUT_ENCODING', message, { encoding: 'utf-8', declared: encoding })
  }
}

/** Returns the text in UTF-8, and the same bytes where nothing changes. Memory: up to three times the bytes. */
export function toUtf8(bytes: Uint8Array, encoding: TextEncoding): Uint8Array {
  return encoding === 'utf-8' || isAscii(bytes) ? bytes : windows1252ToUtf8(bytes)
}

/** Returns the bytes as a string; bytes that the encoding does not have become U+FFFD. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding): string {
  if (encoding !== 'utf-8') return decodeWindows1252(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** Returns the string's bytes; undefined where the encoding lacks one of its characters. */
export function encodeText(text: string, encoding: TextEncoding): Uint8Array | undefined {
  return encoding === 'utf-8' ? Buffer.from(text, 'utf8') : encodeWindows1252(text)
}

/** Returns the kind of UTF-16 that a text begins with, by its byte order mark or by a zero in every other byte. */
export function utf16Of(bytes: Uint8Array): 'UTF-16LE' | 'UTF-16BE' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'UTF-16LE'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'UTF-16BE'
  const pairs = Math.min(bytes.length, sampleBytes) >> 1
  if (pairs < 2) return undefined
  let evenZeros = 0
  let oddZeros = 0
  for (let pair = 0; pair < pairs; pair++) {
    if (bytes[2 * pair] === 0) evenZeros++
    if (bytes[2 * pair + 1] === 0) oddZeros++
  }
  // Text of any alphabet has spaces, digits and newlines, one half of which is zero. A single NUL does not make UTF-16.
  const many = Math.max(2, pairs / 4)
  if (oddZeros >= many && evenZeros === 0) return 'UTF-16LE'
  if (evenZeros >= many && oddZeros === 0) return 'UTF-16BE'
  return undefined
}
