/** Finds out what a text is encoded in, as far as bytes tell, and makes it UTF-8. */
import { Buffer, isAscii } from 'node:buffer'
import { PermanentError } from './errors.ts'

export { isUtf8 } from 'node:buffer'

/** How many bytes are looked at for the zeros of UTF-16: enough for a header, whatever it is about. */
const sampleBytes = 512

/** Bytes of the byte order mark at the beginning: 3 for UTF-8's, else 0. */
export function bomBytes(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/**
 * Refuses UTF-16, known by its byte order mark or by a zero in every other byte.
 * @throws INPUT_ENCODING when the text that begins with these bytes is UTF-16
 */
export function refuseUtf16(bytes: Uint8Array): void {
  const found = utf16Of(bytes)
  if (found === undefined) return
  throw new PermanentError(
    'INPUT_ENCODING',
    `expected UTF-8 or latin-1 text, got ${found}; convert it first, for example with iconv -f UTF-16 -t UTF-8`,
    { encoding: found },
  )
}

/** Text in UTF-8; the same bytes where nothing is to change. Latin-1 takes at most three times its bytes in between. */
export function toUtf8(bytes: Uint8Array, encoding: 'utf-8' | 'latin-1'): Uint8Array {
  if (encoding === 'utf-8' || isAscii(bytes)) return bytes
  const latin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Buffer.from(latin.toString('latin1'), 'utf8')
}

function utf16Of(bytes: Uint8Array): string | undefined {
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
  // Text of any alphabet has spaces, digits and newlines, of which one half is zero; a stray NUL is no UTF-16.
  const many = Math.max(2, pairs / 4)
  if (oddZeros >= many && evenZeros === 0) return 'UTF-16LE'
  if (evenZeros >= many && oddZeros === 0) return 'UTF-16BE'
  return undefined
}
