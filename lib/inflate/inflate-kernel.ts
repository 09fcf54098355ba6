/** Inflates whole texts with libdeflate in WebAssembly, which takes two thirds of the time of zlib. */
import { Buffer } from 'node:buffer'
import { kernelBase64 } from '../kernel/inflate-wasm.ts'
import { type KernelMemory, kernelLoader } from '../kernel/load-kernel.ts'

/** Limit on the bytes of a text and on its compressed bytes, because the memory of a kernel never shrinks. Most longer members are read in chunks. */
export const kernelBytesMax = 16 * 1024 * 1024

/**
 * Returns the text of a raw deflate stream that ends with the data and has exactly so many bytes: a view that is valid until the next call.
 * Returns undefined for any other data, for longer texts, and where there is no WebAssembly: zlib then says what is wrong.
 * Accepts no stream that zlib refuses. The caller compares the checksum, which alone shows damage that leaves a valid stream.
 * Memory of a thread: the longest data and the longest text so far, so at most 32 MiB.
 */
export function inflateExactly(data: Uint8Array, bytes: number): Buffer | undefined {
  return Math.max(data.length, bytes) <= kernelBytesMax ? kernelOfThread()?.(data, bytes) : undefined
}

interface Exports {
  readonly memory: KernelMemory
  /** Offset of the memory that the code does not use itself. */
  readonly __heap_base: { readonly value: number }
  /** Returns 1 for a good stream; see libdeflate/kernel.c. */
  inflate(data: number, dataBytes: number, text: number, textBytes: number): number
}

const kernelOfThread = kernelLoader(kernelBase64, ({ memory, __heap_base, inflate }: Exports) => {
  const dataAt = align(__heap_base.value)
  let view = new Uint8Array(memory.buffer)
  return (data: Uint8Array, bytes: number): Buffer | undefined => {
    const textAt = align(dataAt + data.length)
    const missing = textAt + bytes - view.length
    if (missing > 0) {
      memory.grow(Math.ceil(missing / pageBytes))
      view = new Uint8Array(memory.buffer)
    }
    view.set(data, dataAt)
    return inflate(dataAt, data.length, textAt, bytes) === 1 ? Buffer.from(memory.buffer, textAt, bytes) : undefined
  }
})

const pageBytes = 64 * 1024

/** Returns the next offset at which a line of the processor's cache begins. */
const align = (offset: number): number => (offset + 63) & ~63
