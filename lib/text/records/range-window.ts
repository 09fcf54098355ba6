/** Reads the bytes of a range, and as many after it as turn out to be needed. */
import type { InputObject } from '../../model/plan-data.ts'
import type { Reader } from '../../store/store.ts'

export interface RangeReading {
  readonly store: Reader
  readonly input: InputObject
  readonly recordBytesMax: number
  readonly signal?: AbortSignal
  /** Provides the memory for the first read; default new memory. */
  readonly into?: (lengthBytes: number) => Uint8Array
}

/** Bytes beyond the range that the first read includes, for the end of the last record. */
const lookAheadBytes = 64 * 1024

/** Empty until `grow` or `find` reads. Offsets are offsets in the object. */
export class RangeWindow {
  readonly offset: number
  readonly recordBytesMax: number
  bytes: Uint8Array = new Uint8Array(0)
  private readonly reading: RangeReading
  private readonly rangeEnd: number
  private aheadBytes = 0

  constructor(reading: RangeReading, range: { readonly start: number; readonly end: number }) {
    this.reading = reading
    this.recordBytesMax = reading.recordBytesMax
    this.offset = range.start
    this.rangeEnd = range.end
  }

  get sizeBytes(): number {
    return this.reading.input.sizeBytes
  }

  get isAtEnd(): boolean {
    return this.offset + this.bytes.length >= this.sizeBytes
  }

  /** Reads twice as far beyond the range as before; false at the end of the object, or when more than the longest record is read already. */
  async grow(): Promise<boolean> {
    if (this.isAtEnd || this.aheadBytes > this.recordBytesMax) return false
    const { store, input, signal, into } = this.reading
    this.aheadBytes = Math.max(2 * this.aheadBytes, lookAheadBytes)
    const start = this.offset + this.bytes.length
    const range = { start, end: Math.min(this.rangeEnd + this.aheadBytes, this.sizeBytes) }
    const isFirst = this.bytes.length === 0
    const more = await store.read(input.key, { range, etag: input.etag, signal, into: isFirst ? into : undefined })
    this.bytes = isFirst ? more : Buffer.concat([this.bytes, more])
    return true
  }

  /** Calls `search` with the bytes, reading more as long as it returns -1. Returns the offset found, the object's end when nothing is left, or -1 when `grow` refuses. */
  async find(search: (bytes: Uint8Array) => number): Promise<number> {
    for (;;) {
      const found = search(this.bytes)
      if (found !== -1) return this.offset + found
      if (this.isAtEnd) return this.sizeBytes
      if (!(await this.grow())) return -1
    }
  }

  slice(from: number, end: number): Uint8Array {
    return this.bytes.subarray(from - this.offset, end - this.offset)
  }
}
