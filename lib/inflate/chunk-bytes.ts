/** Reads bytes that come in chunks, such as a file as it is inflated, by their length and in order. */
import { Buffer } from 'node:buffer'

/** Memory: one chunk, which the source may reuse. */
export class ChunkBytes {
  offset = 0
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array()

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Returns the next bytes; fewer at the end. */
  async take(length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    let filled = 0
    for await (const chunk of this.chunks(length)) {
      bytes.set(chunk, filled)
      filled += chunk.length
    }
    return bytes.subarray(0, filled)
  }

  /** Passes over bytes, also beyond the end. */
  async skip(length: number): Promise<void> {
    const target = this.offset + length
    for await (const _chunk of this.chunks(length));
    this.offset = target
  }

  /** Yields the next bytes in chunks; fewer at the end. */
  async *chunks(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0; ) {
      if (this.#chunk.length === 0) {
        const { done, value } = await this.#source.next()
        if (done) return
        this.#chunk = value
      }
      const bytes = this.#chunk.subarray(0, left)
      this.#chunk = this.#chunk.subarray(bytes.length)
      this.offset += bytes.length
      left -= bytes.length
      yield bytes
    }
  }

  /** Ends the source, where not all is read. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
