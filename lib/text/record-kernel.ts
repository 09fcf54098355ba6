/** Passes over whole records 64 bytes at a time, with the processor's wide instructions: several times faster than RecordJumper. */
import { Buffer } from 'node:buffer'
import { type Dialect, toBytes } from './record-dialect.ts'
import { RecordJumper } from './record-jump.ts'
import { kernelBase64 } from './record-kernel-wasm.ts'
import type { RecordTally } from './record-machine.ts'

/** Where the kernel's memory holds the text; see record-kernel.wat. */
const textAt = 64

/** Looked at in one go; stays in the processor's cache. A multiple of 64, and fits in the kernel's memory. */
export const windowBytesMax = 128 * 1024

/** First window after something odd, and what is left to RecordJumper before it: of odd texts the kernel costs a tenth more. */
const windowBytesMin = 4 * 1024

/** So many lines go by before RecordJumper is asked where it is. */
const linesByJumping = 50

/**
 * Jumps through one buffer as RecordJumper does, for dialects of `canJump`, and with its help where something is odd
 * or where there is no WebAssembly SIMD. Memory: one window, shared by all of a thread.
 */
export class RecordSkipper {
  private readonly bytes: Uint8Array
  private readonly tally: RecordTally
  private readonly quote: number
  private readonly delimiter: number
  private readonly jumper: RecordJumper
  private readonly kernel: Kernel | undefined
  private readonly hasBlankRecords: boolean
  /** Not worth a try before this offset. */
  private kernelFrom = 0
  private windowBytes = windowBytesMax

  constructor(bytes: Uint8Array, dialect: Dialect, tally: RecordTally) {
    const { quote, delimiter } = toBytes(dialect)
    this.bytes = bytes
    this.tally = tally
    this.hasBlankRecords = dialect.hasBlankRecords === true
    this.quote = quote
    // Without quotes fields do not matter, and any byte will do that is no newline.
    this.delimiter = quote === -1 ? 0 : (delimiter[0] ?? 0)
    this.jumper = new RecordJumper(bytes, dialect, tally)
    this.kernel = isOrdinary(this.delimiter) && isOrdinary(quote) ? kernelOfThread() : undefined
  }

  /** From one record's beginning to another's: the first whose record is odd or not ended in these bytes. */
  jump(from: number): number {
    if (!this.kernel) return this.jumper.jump(from)
    let at = from
    for (;;) {
      if (at >= this.kernelFrom) at = this.scan(this.kernel, at)
      const { lines } = this.tally
      at = this.jumper.jump(at, linesByJumping)
      if (this.tally.lines - lines < linesByJumping) return at
    }
  }

  /** The offset after the last record end before something odd, or in these bytes. */
  private scan(kernel: Kernel, from: number): number {
    const { bytes, quote, delimiter, tally } = this
    kernel.begin()
    let end = from
    for (let at = from, done = 0; at < bytes.length; at += done) {
      const length = Math.min(this.windowBytes, bytes.length - at)
      kernel.load(bytes, at, { from, length, padding: delimiter })
      done = kernel.scan(length, quote, delimiter)
      const counted = kernel.addTo(tally, this.hasBlankRecords)
      if (counted > 0) end = at + counted
      this.windowBytes = done < length ? windowBytesMin : Math.min(2 * length, windowBytesMax)
      this.kernelFrom = at + done + windowBytesMin
      if (done < length) break
    }
    return end
  }
}

function isOrdinary(byte: number): boolean {
  return byte !== 10 && byte !== 13
}

type Scan = (length: number, quote: number, delimiter: number) => number

/** The kernel and its memory. */
class Kernel {
  readonly scan: Scan
  private readonly memory: Uint8Array
  private readonly results: Int32Array

  constructor({ scan, memory }: { readonly scan: Scan; readonly memory: { readonly buffer: ArrayBuffer } }) {
    this.scan = scan
    this.memory = new Uint8Array(memory.buffer)
    this.results = new Int32Array(memory.buffer, 0, textAt >> 2)
  }

  /** Forgets the text before. */
  begin(): void {
    this.results.fill(0)
  }

  /** Copies a window of the text at an offset, with its neighbour bytes. */
  load(
    bytes: Uint8Array,
    at: number,
    { from, length, padding }: { readonly from: number; readonly length: number; readonly padding: number },
  ): void {
    const { memory } = this
    const end = at + length
    if (at === from) {
      memory.fill(10, textAt - 2, textAt)
      memory.set(bytes.subarray(at, end + 1), textAt)
    } else memory.set(bytes.subarray(at - 2, end + 1), textAt - 2)
    if (end === bytes.length) memory.fill(padding, textAt + length, textAt + length + 65)
  }

  /** Adds what the last scan counted; the offset in its window after the last record end, or 0. */
  addTo(tally: RecordTally, hasBlankRecords: boolean): number {
    const [, , end = 0, lines = 0, ends = 0, crlf = 0, blank = 0] = this.results
    tally.lines += lines
    tally.lf += ends - crlf
    tally.crlf += crlf
    if (!hasBlankRecords) tally.blankLines += blank
    tally.records += hasBlankRecords ? ends : ends - blank
    return end
  }
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

let kernel: Kernel | undefined
let isTried = false

/** Compiled at first use, which takes a millisecond. */
function kernelOfThread(): Kernel | undefined {
  if (isTried) return kernel
  isTried = true
  const code = Buffer.from(kernelBase64, 'base64')
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code))
  kernel = new Kernel(exports as ConstructorParameters<typeof Kernel>[0])
  return kernel
}
