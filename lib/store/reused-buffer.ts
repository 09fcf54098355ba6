/** Provides memory that one read after another fills: new pages cost more than filling them, and a heap frees old ones late. */

export class ReusedBuffer {
  private buffer = Buffer.alloc(0)
  private readonly stepBytes: number

  /** Grows in steps of so many bytes, by default a mebibyte. */
  constructor(growsByBytes = 1 << 20) {
    this.stepBytes = growsByBytes
  }

  /** Returns memory with any content. The memory that it returned before must not be used any more. */
  readonly take = (lengthBytes: number): Uint8Array => {
    if (this.buffer.length < lengthBytes)
      this.buffer = Buffer.allocUnsafeSlow(Math.ceil(lengthBytes / this.stepBytes) * this.stepBytes)
    return this.buffer.subarray(0, lengthBytes)
  }
}
