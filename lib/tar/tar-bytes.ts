/** The bytes of a tar archive in order: a plain one is read by ranges, which leave contents out, a compressed one as it is inflated, by `ChunkBytes`. */
import { Buffer } from 'node:buffer'
import type { ByteRange } from '../store/byte-range.ts'
import { asBuffer } from '../zip/end.ts'

/** The bytes of an archive, read from its beginning to its end. */
export interface TarBytes {
  /** Offset of the next byte. */
  readonly offset: number
  /** Returns the next bytes; fewer at the end of the archive. */
  take(length: number): Promise<Buffer>
  /** Passes over bytes, also beyond the end. */
  skip(length: number): Promise<void>
}

const kibibyte = 1024
/** Bytes of the first read, and of one after a content that was left out. */
const firstWindowBytes = 64 * kibibyte
/** Contents up to this size are read with the headers around them, because another request takes longer than so many bytes. */
const windowBytesMax = 4096 * kibibyte

/** Reads a plain archive by ranges. Memory: 4 MiB. */
export function rangeBytes(read: (range: ByteRange) => Promise<Uint8Array>, sizeBytes: number): TarBytes {
  let offset = 0
  let window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) }
  let windowBytes = firstWindowBytes
  const load = async (length: number): Promise<void> => {
    const windowEnd = window.start + window.bytes.length
    windowBytes = offset - windowEnd < windowBytesMax ? Math.min(2 * windowBytes, windowBytesMax) : firstWindowBytes
    const range = { start: offset, end: Math.min(sizeBytes, offset + Math.max(length, windowBytes)) }
    const bytes = range.end > range.start ? await read(range) : new Uint8Array()
    window = { start: offset, bytes: asBuffer(bytes) }
  }
  return {
    get offset() {
      return offset
    },
    async take(length) {
      const isThere = offset >= window.start && offset + length <= window.start + window.bytes.length
      if (!isThere) await load(length)
      const bytes = window.bytes.subarray(offset - window.start, offset - window.start + length)
      offset += bytes.length
      return bytes
    },
    async skip(length) {
      offset += length
    },
  }
}
