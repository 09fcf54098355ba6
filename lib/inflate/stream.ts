/** Drives a zlib decompressor by pulling: bytes in as they come, bytes out as they are asked for. */
import type { Transform } from 'node:stream'
import { throwIfAborted } from '../errors/abort.ts'

/** A decompressor of node:zlib; `bytesWritten` counts the input that it used. */
export type Inflater = Transform & { readonly bytesWritten: number }

/** Output buffers: large enough that a chunk costs little, small enough for many streams at once. */
export const inflateChunkBytes = 512 * 1024

export interface InflateOptions {
  readonly signal?: AbortSignal | undefined
  /** What to do with bytes after the end of the compressed data: the rest that is another stream, or none to ignore it. */
  readonly continueWith?: (rest: Uint8Array) => Uint8Array
}

/**
 * The inflated bytes of `source`, in chunks of about 512 KiB at most.
 * Errors of `source` come through as they are, those of zlib with a code that begins with `Z_` or `ZSTD_`.
 * Memory: one chunk of input, two of output. The source is not read on before the chunk before was used.
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
      // Without streams to come, what is left of the source has nothing for us.
      if (feed.isAtEnd && continueWith === ignore) return
    }
    if (!feed.isAtEnd) yield* feed.finish()
  } finally {
    feed.close()
  }
}

function ignore(rest: Uint8Array): Uint8Array {
  return rest.subarray(rest.length)
}

/** One decompressor, and what it last told. */
class Feed {
  /** The compressed data came to its end before its last chunk did. */
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
    // Deliberately by what was used: the stream's own end comes some turns later.
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

  /** What comes out until `start` says that it is done. */
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
      if (chunk) yield chunk
      else if (isDone) return
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
