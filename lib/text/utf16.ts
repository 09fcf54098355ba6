/** Converts UTF-16 to UTF-8. */
import { Buffer } from 'node:buffer'
import type { WideEncoding } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { type ChunkFilter, joinChunks } from './chunk-filter.ts'

/** Bytes in which UTF-16 has a zero: a newline, a digit or a delimiter. */
const sampleBytes = 512

/**
 * Returns a filter for UTF-16. A byte order mark decides for `utf-16`, which is little-endian without one. Half of a surrogate pair
 * becomes bytes that are not UTF-8, so that its record is a reject.
 */
export function decodeUtf16(encoding: WideEncoding): ChunkFilter {
  let kept: Uint8Array = new Uint8Array(0)
  let isBig: boolean | undefined
  return {
    push(chunk, isLast) {
      const bytes = joinChunks(kept, chunk)
      if (isBig === undefined && bytes.length < sampleBytes && !isLast) {
        kept = Buffer.from(bytes)
        return new Uint8Array(0)
      }
      isBig ??= isBigEndian(bytes, encoding)
      const end = isLast ? bytes.length & ~1 : wholeEnd(bytes, isBig)
      if (isLast && end < bytes.length)
        throw encodingFault(encoding, 'an odd number of bytes; the file may be cut short')
      kept = Buffer.from(bytes.subarray(end))
      const little = Buffer.from(bytes.subarray(0, end))
      if (isBig) little.swap16()
      return utf8Of(little.toString('utf16le'))
    },
  }
}

/** Returns the string in UTF-16 with a byte order mark. */
export function encodeUtf16(text: string, encoding: WideEncoding): Uint8Array {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le')
  return encoding === 'utf-16be' ? bytes.swap16() : bytes
}

function isBigEndian(bytes: Uint8Array, encoding: WideEncoding): boolean {
  const mark = `${bytes[0]} ${bytes[1]}`
  const marked = mark === '254 255' ? 'utf-16be' : mark === '255 254' ? 'utf-16le' : undefined
  if (marked && encoding !== 'utf-16' && encoding !== marked)
    throw encodingFault(encoding, `one that begins with the byte order mark of ${marked}; set encoding: 'utf-16'`)
  if (!marked && bytes.length >= 4 && !bytes.subarray(0, sampleBytes).includes(0))
    throw encodingFault(encoding, 'one without the zeros of UTF-16; remove encoding from the format')
  return (marked ?? encoding) === 'utf-16be'
}

const encodingFault = (encoding: WideEncoding, got: string): PermanentError =>
  new PermanentError('INPUT_ENCODING', `expected text in ${encoding}, as the format says, got ${got}`, {
    declared: encoding,
  })

/** Returns where the last character begins if half of it is still missing; else the end of the last whole unit. */
function wholeEnd(bytes: Uint8Array, isBig: boolean): number {
  const end = bytes.length & ~1
  const high = bytes[end - (isBig ? 2 : 1)] ?? 0
  return high >= 0xd8 && high <= 0xdb ? end - 2 : end
}

function utf8Of(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const pieces = text.split(/([\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])/)
  return Buffer.concat(pieces.map((piece, index) => (index % 2 === 0 ? Buffer.from(piece, 'utf8') : halfOf(piece))))
}

/** Returns the code of a half as three bytes, which UTF-8 forbids. */
function halfOf(half: string): Uint8Array {
  const code = half.charCodeAt(0)
  return Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
}
