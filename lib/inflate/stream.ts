/** Reads a zlib decompressor by pulling: it gets input only when more output is requested. */
import type { Transform } from 'node:stream'
import { throwIfAborted } from '../errors/abort.ts'

/** A decompressor of node:zlib; `bytesWritten` counts the input that it has used. */
export type Inflater = Transform & { readonly bytesWritten: number }

/** Size of output buffers: large enough that a chunk costs little, small enough for many streams at once. */
export const inflateChunkBytes = 512 * 1024

export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

export interface InflateOptions extends Abortable {
  /** Returns the part of the bytes after a stream that is another stream; default none, so that the bytes are ignored. */
  readonly continueWith?: (rest: Uint8Array) => Uint8Array
}

/**
 * Yields the inflated bytes of `source`, in chunks of about 512 KiB at most, each of which is valid until the next one is requested.
 * Errors of `source` are thrown unchanged; those of zlib have a code that begins with `Z_` or `ZSTD_`.
 * Memory: one chunk of input, two of output. The next chunk of the source is read when the previous one is used.
 */
export async function* inflateChunks(
  source: AsyncIterable<Uint8Array>,
  make: () => Inflater,
  { signal, continueWith = ignore }: InflateOptions = {},
): AsyncGenerator<Uint8Array> {
  let feed = new Feed(make())
  try {
    for await (const chunk of source) {
      throwIfAborted(signal)
      for (let rest = chunk; rest.length > 0; ) {
        if (feed.isAtEnd) {
          rest = continueWith(rest)
          if (rest.length === 0) break
          feed.close()
          feed = new Feed(make())
        }
        rest = yield* feed.write(rest)
      }
      // No further stream is expected: the rest of the source is not read.
      if (feed.isAtEnd && continueWith === ignore) return
    }
    if (!feed.isAtEnd) yield* feed.finish()
  } finally {
    feed.close()
  }
}

/** A fault in compressed data, with a code as zlib has it: `Z_BUF_ERROR` for data that is cut short, `Z_DATA_ERROR` for damaged data. */
export class InflateError extends Error {
  readonly code: 'Z_BUF_ERROR' | 'Z_DATA_ERROR'

  constructor(code: 'Z_BUF_ERROR' | 'Z_DATA_ERROR', message: string) {
    super(message)
    this.code = code
  }
}

/** Returns the bytes after leading zeros: tapes and some writers fill the last block of a gzip file with zeros, and no stream begins with one. */
export function skipPadding(rest: Uint8Array): Uint8Array {
  const start = rest.findIndex(byte => byte !== 0)
  return rest.subarray(start < 0 ? rest.length : start)
}

function ignore(rest: Uint8Array): Uint8Array {
  return rest.subarray(rest.length)
}

class Feed {
  /** True when the compressed data ended before the end of the last chunk. */
  isAtEnd = false
  readonly #inflater: Inflater
  #wake: () => void = () => {}
  #error: Error | undefined

  constructor(inflater: Inflater) {
    this.#inflater = inflater
    inflater.on('readable', () => this.#wake())
    inflater.on('error', error => this.#fail(error))
  }

  /** Returns the rest of the chunk that was not used. */
  async *write(chunk: Uint8Array): AsyncGenerator<Uint8Array, Uint8Array> {
    const before = this.#inflater.bytesWritten
    yield* this.#drain(done => this.#inflater.write(chunk, done))
    const rest = chunk.subarray(this.#inflater.bytesWritten - before)
    // Deliberately derived from the used input, because the stream emits its end some turns later.
    this.isAtEnd = rest.length > 0
    return rest
  }

  /** @throws Z_BUF_ERROR when the compressed data is not at its end */
  finish(): AsyncGenerator<Uint8Array> {
    return this.#drain(done => {
      this.#inflater.once('end', done)
      this.#inflater.end()
    })
  }

  close(): void {
    this.#inflater.destroy()
  }

  /** Yields output until the callback of `start` is called and all output is read. */
  async *#drain(start: (done: (error?: Error | null) => void) => void): AsyncGenerator<Uint8Array> {
    let isDone = false
    start(error => {
      isDone = true
      if (error) this.#fail(error)
      this.#wake()
    })
    for (;;) {
      const chunk: Uint8Array | null = this.#inflater.read()
      if (this.#error) throw this.#error
      if (chunk) {
        yield chunk
        freeUsed(chunk)
      } else if (isDone) return
      else {
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    }
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#wake()
  }
}

/**
 * Frees an output buffer of zlib when its last bytes were used. Left to the garbage collector, these buffers make it search the whole
 * heap again and again. The memory that Node shares between small buffers has another size, and is kept.
 */
function freeUsed({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isLast = buffer.byteLength === inflateChunkBytes && byteOffset + byteLength === inflateChunkBytes
  if (isLast && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
