/** The table of the compressions of files: their names, and how they are inflated. */
import {
  constants,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
  gunzipSync,
  type ZstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'

export interface Compression {
  readonly name: string
  /** The ending of names, in upper or lower case. */
  readonly ending: string
  /** The short endings of tar archives in this compression, besides `.tar` and `ending`. */
  readonly tarEndings: readonly string[]
  /** The first bytes of every file. */
  readonly signature: readonly number[]
  /** Makes a decompressor of one stream. */
  create(options: { readonly chunkSize: number }): Gunzip | ZstdDecompress
  /** Inflates the beginning of a file, as far as the bytes go. */
  inflateTop(bytes: Uint8Array): Uint8Array
  /**
   * Inflates a file that is one stream, and returns the bytes of the file that it used. Absent where the synchronous call of zlib
   * does not tell how many it used. @throws when it is damaged, or has more than `bytesMax`
   */
  readonly inflateWhole?: (
    bytes: Uint8Array,
    bytesMax: number,
  ) => { readonly content: Uint8Array; readonly used: number }
}

const gzip: Compression = {
  name: 'gzip',
  ending: '.gz',
  tarEndings: ['.tgz'],
  signature: [0x1f, 0x8b, 0x08],
  create: createGunzip,
  inflateTop: bytes => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
  inflateWhole(bytes, bytesMax) {
    const result = gunzipSync(bytes, { maxOutputLength: bytesMax, info: true })
    // The types of Node do not know `info`.
    const { buffer, engine } = result as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    return { content: buffer, used: engine.bytesWritten }
  },
}

/** The synchronous call reads only the first frame. */
const zstd: Compression = {
  name: 'zstd',
  ending: '.zst',
  tarEndings: ['.tzst'],
  signature: [0x28, 0xb5, 0x2f, 0xfd],
  create: createZstdDecompress,
  inflateTop: bytes => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }),
}

export const compressions: readonly Compression[] = [gzip, zstd]

/** Returns the compression that a name ends in; undefined for a file that is not compressed. */
export function compressionOf(name: string): Compression | undefined {
  const lower = name.toLowerCase()
  return compressions.find(({ ending }) => lower.endsWith(ending))
}

/** Returns the name without the ending of its compression. */
export function withoutCompression(name: string): string {
  return name.slice(0, name.length - (compressionOf(name)?.ending.length ?? 0))
}
