/** The table of the compressions of blocks in Avro files. */
import { Buffer } from 'node:buffer'
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { snappyUncompressor } from 'hysnappy'
import { invalidInput } from '../errors/invalid-input.ts'
import { compressions } from '../inflate/compression.ts'

/** Bytes of the largest block, compressed or not: writers make blocks of some KiB to some MiB. */
export const blockBytesMax = 128 * 1024 * 1024

type Inflate = (bytes: Buffer) => Uint8Array | Promise<Uint8Array>

const codecs: Readonly<Record<string, Inflate>> = {
  null: bytes => bytes,
  deflate: bytes => inflateRawSync(bytes, { maxOutputLength: blockBytesMax }),
  zstandard: bytes => zstdDecompressSync(bytes, { maxOutputLength: blockBytesMax }),
  snappy: inflateSnappy,
  bzip2: bytes => inflateAll('bzip2', bytes),
  xz: bytes => inflateAll('xz', bytes),
}

/** Returns how the blocks of a file are inflated. @throws INPUT_INVALID for a compression that is not known */
export function blockInflater(codec: string): Inflate {
  const inflate = Object.hasOwn(codecs, codec) ? codecs[codec] : undefined
  if (!inflate)
    throw invalidInput(`a compression of ${Object.keys(codecs).join(', ')}`, JSON.stringify(codec), { codec })
  return async bytes => {
    try {
      return await inflate(bytes)
    } catch (error) {
      throw invalidInput(`blocks in ${codec}`, `other bytes (${(error as Error).message}); the file is damaged`, {
        codec,
      })
    }
  }
}

/** The memory of the last good block, to be used again. */
let kept: ReturnType<typeof snappyUncompressor> | undefined

/** Bytes of the checksum of the inflated block, which follows a block in snappy. */
const sumBytes = 4

function inflateSnappy(bytes: Buffer): Uint8Array {
  const end = Math.max(0, bytes.length - sumBytes)
  const size = snappySize(bytes)
  if (size > blockBytesMax) throw new RangeError(`a block of ${size} bytes`)
  const uncompress = kept ?? snappyUncompressor()
  kept = undefined
  const inflated = uncompress(bytes.subarray(0, end), size)
  if (end === 0 || crc32(inflated) !== bytes.readUInt32BE(end)) throw new RangeError('a wrong checksum')
  kept = uncompress
  return inflated
}

/** Reads the inflated size with which a block begins. */
function snappySize(bytes: Buffer): number {
  let size = 0
  for (let at = 0; at < 5; at++) {
    const byte = bytes[at] ?? 0
    size += (byte & 127) * 128 ** at
    if (byte < 128) break
  }
  return size
}

async function inflateAll(name: string, bytes: Buffer): Promise<Uint8Array> {
  const compression = compressions.find(each => each.name === name)
  const chunks: Uint8Array[] = []
  let size = 0
  const source = (async function* () {
    yield bytes
  })()
  for await (const chunk of compression?.inflate(source, {}) ?? []) {
    size += chunk.length
    if (size > blockBytesMax) throw new RangeError(`a block of more than ${blockBytesMax} bytes`)
    chunks.push(Uint8Array.from(chunk))
  }
  return Buffer.concat(chunks)
}
