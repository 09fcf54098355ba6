/** Counts whole records 64 bytes at a time with the processor's wide instructions, which is several times faster than RecordJumper. */
import { type KernelMemory, kernelLoader } from '../../kernel/load-kernel.ts'
import { kernelBase64 } from '../../kernel/record-wasm.ts'
import { type Dialect, isNewline, toBytes } from './dialect.ts'
import { RecordJumper } from './jump.ts'
import type { RecordTally } from './machine.ts'

/** Offset of the text in the kernel's memory; see record.wat. */
const textAt = 64

/** Bytes that the kernel scans in one call: they stay in the processor's cache and fit in the kernel's memory. A multiple of 64. */
export const windowBytesMax = 128 * 1024

/** Bytes of the first window after an irregular record, and bytes left to RecordJumper before it. With irregular texts the kernel costs a tenth more. */
const windowBytesMin = 4 * 1024

/** Lines that RecordJumper passes before the kernel is tried again. */
const linesByJumping = 50

/**
 * Jumps through one buffer as RecordJumper does, for dialects that pass `canJump`. RecordJumper reads what is irregular,
 * and everything where there is no WebAssembly SIMD. Memory: one window, shared by all skippers of a thread.
 */
export class RecordSkipper {
  private readonly bytes: Uint8Array
  private readonly tally: RecordTally
  private readonly quote: number
  private readonly delimiter: number
  private readonly jumper: RecordJumper
  private readonly kernel: Kernel | undefined
  private readonly hasBlankRecords: boolean
  /** Offset before which the kernel is not tried. */
  private kernelFrom = 0
  private windowBytes = windowBytesMax

  constructor(bytes: Uint8Array, dialect: Dialect, tally: RecordTally) {
    const { quote, delimiter } = toBytes(dialect)
    this.bytes = bytes
    this.tally = tally
    this.hasBlankRecords = dialect.hasBlankRecords === true
    this.quote = quote
    // Without quotes fields do not matter: any byte serves that is no newline.
    this.delimiter = quote === -1 ? 0 : (delimiter[0] ?? 0)
    this.jumper = new RecordJumper(bytes, dialect, tally)
    this.kernel = isNewline(this.delimiter) || isNewline(quote) ? undefined : kernelOfThread()
  }

  /** Jumps from the beginning of a record to that of the first one that is irregular or not complete in these bytes. */
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

  /** Returns the offset after the last record end before an irregular record, or in these bytes. */
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

interface Exports {
  readonly memory: KernelMemory
  scan(length: number, quote: number, delimiter: number): number
}

type Kernel = NonNullable<ReturnType<typeof kernelOfThread>>

const kernelOfThread = kernelLoader(kernelBase64, ({ scan, memory: { buffer } }: Exports) => {
  const memory = new Uint8Array(buffer)
  const results = new Int32Array(buffer, 0, textAt >> 2)
  return {
    scan,
    /** Resets the state for a text that begins here. */
    begin: (): void => void results.fill(0),
    /** Copies a window of the text at an offset into the kernel's memory, with its neighbour bytes. */
    load(
      bytes: Uint8Array,
      at: number,
      { from, length, padding }: { readonly from: number; readonly length: number; readonly padding: number },
    ): void {
      const end = at + length
      if (at === from) {
        memory.fill(10, textAt - 2, textAt)
        memory.set(bytes.subarray(at, end + 1), textAt)
      } else memory.set(bytes.subarray(at - 2, end + 1), textAt - 2)
      if (end === bytes.length) memory.fill(padding, textAt + length, textAt + length + 65)
    },
    /** Adds the counts of the last scan and returns the offset in its window after the last record end, or 0. */
    addTo(tally: RecordTally, hasBlankRecords: boolean): number {
      const [, , end = 0, lines = 0, ends = 0, crlf = 0, blank = 0] = results
      tally.lines += lines
      tally.lf += ends - crlf
      tally.crlf += crlf
      if (!hasBlankRecords) tally.blankLines += blank
      tally.records += hasBlankRecords ? ends : ends - blank
      return end
    },
  }
})
