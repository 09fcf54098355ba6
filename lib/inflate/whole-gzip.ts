/** Inflates whole gzip files of one stream (RFC 1952). */
import { Buffer } from 'node:buffer'
import { crc32, gunzipSync } from 'node:zlib'
import { inflateExactly } from './inflate-kernel.ts'

/** Returns the text, a view that is valid until the next call, and the bytes of the file that were used. @throws as `zlib.gunzipSync` */
export function inflateGzip(
  bytes: Uint8Array,
  bytesMax: number,
): { readonly content: Uint8Array; readonly used: number } {
  const good = inflateGood(bytes, bytesMax)
  if (good) return { content: good, used: bytes.length }
  const result = gunzipSync(bytes, { maxOutputLength: bytesMax, info: true })
  // The types of Node do not know `info`.
  const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
  return { content: buffer, used: engine.bytesWritten }
}

/** Bytes of the checksum and the size behind the data. */
const trailerBytes = 8

/** Returns the text of a file that is one stream, undamaged and with an ordinary header; undefined for any other. */
function inflateGood(given: Uint8Array, bytesMax: number): Buffer | undefined {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
  const start = headerEnd(bytes)
  const end = bytes.length - trailerBytes
  if (start === undefined || start > end) return undefined
  const size = bytes.readUInt32LE(end + 4)
  const text = size <= bytesMax ? inflateExactly(bytes.subarray(start, end), size) : undefined
  return text && crc32(text) === bytes.readUInt32LE(end) ? text : undefined
}

/** Returns the offset of the data after a header with at most a name, as programs write it. */
function headerEnd(bytes: Buffer): number | undefined {
  // 0 - magic, 2 - method deflate, 3 - flags, of which 8 stands for a name that ends with a zero
  if (bytes.length < 10 || bytes.readUInt32BE(0) >>> 8 !== 0x1f8b08) return undefined
  const flags = bytes[3]
  if (flags === 0) return 10
  const nameEnd = flags === 8 ? bytes.indexOf(0, 10) : -1
  return nameEnd < 0 ? undefined : nameEnd + 1
}
