/** Memory that one read after another fills: new pages cost more than the bytes that are put into them, and a heap gives old ones back late. */

const stepBytes = 1 << 20

export class ReusedBuffer {
  private buffer = Buffer.alloc(0)
  private readonly stepBytes: number

  /** Grows by so many bytes, default a mebibyte. */
  constructor(growsByBytes = stepBytes) {
    this.stepBytes = growsByBytes
  }

  /** What it gave before must not be used any more. Its content is anything. */
  readonly take = (lengthBytes: number): Uint8Array => {
    if (this.buffer.length < lengthBytes)
      this.buffer = Buffer.allocUnsafeSlow(Math.ceil(lengthBytes / this.stepBytes) * this.stepBytes)
    return this.buffer.subarray(0, lengthBytes)
  }
}
