/** Compiles kernels in WebAssembly. */
import { Buffer } from 'node:buffer'

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/**
 * Returns a function that returns the thread's kernel, made of the module's exports at the first call, which takes a millisecond;
 * undefined where there is no WebAssembly SIMD.
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
