/** Compiles kernels in WebAssembly. */
import { Buffer } from 'node:buffer'

/** The memory that a kernel exports. */
export interface KernelMemory {
  /** Another one after each call of `grow`. */
  readonly buffer: ArrayBuffer
  /** Adds pages of 64 KiB. */
  grow(pages: number): number
}

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/**
 * Returns a function that returns the thread's kernel, made of the module's exports at the first call, which takes a millisecond;
 * undefined where there is no WebAssembly, or none with what the module needs (SIMD).
 */
export function kernelLoader<Exports, Kernel>(
  base64: string,
  make: (exports: Exports) => Kernel,
): () => Kernel | undefined {
  let kernel: Kernel | undefined
  let isCompiled = false
  return () => {
    if (isCompiled) return kernel
    isCompiled = true
    const code = Buffer.from(base64, 'base64')
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined
    kernel = make(new WebAssembly.Instance(new WebAssembly.Module(code)).exports as Exports)
    return kernel
  }
}
