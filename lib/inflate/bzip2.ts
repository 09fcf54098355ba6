/// <reference path="./seek-bzip.d.ts" />
/** Inflates bzip2 block by block. Blocks are independent: each has at most 900 kB before runs of equal bytes are expanded. */
import type Bunzip from 'seek-bzip'
import { throwIfAborted } from '../errors/abort.ts'
import { type Abortable, InflateError, inflateChunkBytes } from './stream.ts'

/** More than a compressed block can have: bzip2 adds at most one percent and 600 bytes to 900,000. */
const blockBytesMax = 1024 * 1024

/**
 * Yields the inflated bytes of any number of streams one after another; zeros between and behind them are padding.
 * Memory: 8 MiB, and a block with its runs, at most 46 MB of a hostile one. @throws InflateError
 */
export async function* inflateBzip2(
  source: AsyncIterable<Uint8Array>,
  { signal }: Abortable,
): AsyncGenerator<Uint8Array> {
  // Loaded when it is needed, because each thread would load its files at its start.
  const { default: Decoder } = await import('seek-bzip')
  const input = new BlockInput()
  const output = new BlockOutput()
  const chunks = source[Symbol.asyncIterator]()
  const fill = async (): Promise<void> => {
    while (!input.isLast && input.length < blockBytesMax) {
      throwIfAborted(signal)
      const { done, value } = await chunks.next()
      if (done) input.isLast = true
      else input.append(value)
    }
  }
  try {
    await fill()
    do {
      const stream = decode(() => new Decoder(input, output))
      while (decode(() => nextBlock(stream))) {
        for (const bytes of output.take()) yield bytes
        await fill()
      }
      decode(() => checkSum(stream))
      await fill()
      while (input.skipZeros() && !input.isLast) await fill()
    } while (input.length > 0)
  } finally {
    await chunks.return?.()
  }
}

function nextBlock(stream: Bunzip): boolean {
  const hasBlock = stream._init_block()
  if (hasBlock) stream._read_bunzip()
  return hasBlock
}

function checkSum(stream: Bunzip): void {
  if (stream.reader.read(32) >>> 0 !== stream.streamCRC) throw new Error('another checksum of the stream')
}

/** Gives any fault of the decoder a code: on damaged data it may also fail as a program. */
function decode<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof InflateError) throw error
    throw new InflateError('Z_DATA_ERROR', `bzip2: ${(error as Error).message}`)
  }
}

/** The compressed bytes from the current block on. */
class BlockInput {
  isLast = false
  #bytes: Uint8Array = new Uint8Array()
  #at = 0

  get length(): number {
    return this.#bytes.length - this.#at
  }

  append(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** Skips zeros. Returns whether nothing else is left. */
  skipZeros(): boolean {
    while (this.#bytes[this.#at] === 0) this.#at++
    return this.length === 0
  }

  readByte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new InflateError('Z_BUF_ERROR', 'bzip2: unexpected end of file')
    return byte
  }

  read(target: Uint8Array, start: number, length: number): number {
    for (let index = 0; index < length; index++) target[start + index] = this.readByte()
    return length
  }
}

class BlockOutput {
  #bytes = new Uint8Array(1024 * 1024)
  #length = 0

  writeByte(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = byte
  }

  /** Yields the bytes in chunks, which are valid until the next block. */
  *take(): Generator<Uint8Array> {
    const length = this.#length
    this.#length = 0
    for (let at = 0; at < length; at += inflateChunkBytes)
      yield this.#bytes.subarray(at, Math.min(length, at + inflateChunkBytes))
  }
}
