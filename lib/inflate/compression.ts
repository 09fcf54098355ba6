/** The table of the compressions of files: their names, and how they are inflated. */
import { constants, createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { inflateBzip2 } from './bzip2.ts'
import { type Abortable, type Inflater, inflateChunkBytes, inflateChunks, skipPadding } from './stream.ts'
import { inflateGzip } from './whole-gzip.ts'
import { inflateXz } from './xz.ts'

export interface Compression {
  readonly name: string
  /** The ending of names, in upper or lower case. */
  readonly ending: string
  /** The short endings of tar archives in this compression, besides `.tar` and `ending`. */
  readonly tarEndings: readonly string[]
  /** The first bytes of every file; undefined for any byte. */
  readonly signature: readonly (number | undefined)[]
  /**
   * Yields the inflated bytes of any number of streams one after another. Chunks may be reused.
   * @throws errors with a code that begins with `Z_` or `ZSTD_` for bytes that are damaged or cut short
   */
  inflate(source: AsyncIterable<Uint8Array>, options: Abortable): AsyncGenerator<Uint8Array>
  /** Whether DuckDB's reader of CSV inflates such a file itself. */
  readonly isReadByEngine: boolean
  /** Inflates the beginning of a file, as far as the bytes go; absent where that is not possible. */
  readonly inflateTop?: (bytes: Uint8Array) => Uint8Array
  /**
   * Inflates a file that is one stream into a view that is valid until the next call, and returns the bytes of the file that it used.
   * Absent where the synchronous call of zlib does not tell how many it used. @throws when it is damaged, or has more than `bytesMax`
   */
  readonly inflateWhole?: typeof inflateGzip
}

const inflateStreams = (
  source: AsyncIterable<Uint8Array>,
  create: (options: { readonly chunkSize: number }) => Inflater,
  { signal }: Abortable,
): AsyncGenerator<Uint8Array> =>
  inflateChunks(source, () => create({ chunkSize: inflateChunkBytes }), { signal, continueWith: skipPadding })

const gzip: Compression = {
  name: 'gzip',
  ending: '.gz',
  tarEndings: ['.tgz'],
  signature: [0x1f, 0x8b, 0x08],
  inflate: (source, options) => inflateStreams(source, createGunzip, options),
  isReadByEngine: true,
  inflateTop: bytes => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
  inflateWhole: inflateGzip,
}

/** The synchronous call reads only the first frame. */
const zstd: Compression = {
  name: 'zstd',
  ending: '.zst',
  tarEndings: ['.tzst'],
  signature: [0x28, 0xb5, 0x2f, 0xfd],
  inflate: (source, options) => inflateStreams(source, createZstdDecompress, options),
  isReadByEngine: true,
  inflateTop: bytes => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }),
}

/** Magic of a first block follows the level, which is a digit. */
const bzip2: Compression = {
  name: 'bzip2',
  ending: '.bz2',
  tarEndings: ['.tbz2', '.tbz'],
  signature: [0x42, 0x5a, 0x68, undefined, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
  inflate: inflateBzip2,
  isReadByEngine: false,
}

const xz: Compression = {
  name: 'xz',
  ending: '.xz',
  tarEndings: ['.txz'],
  signature: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  inflate: inflateXz,
  isReadByEngine: false,
}

export const compressions: readonly Compression[] = [gzip, zstd, bzip2, xz]

/** Returns the compression that a name ends in; undefined for a file that is not compressed. */
export function compressionOf(name: string): Compression | undefined {
  const lower = name.toLowerCase()
  return compressions.find(({ ending }) => lower.endsWith(ending))
}

/** Returns the name without the ending of its compression. */
export function withoutCompression(name: string): string {
  return name.slice(0, name.length - (compressionOf(name)?.ending.length ?? 0))
}
