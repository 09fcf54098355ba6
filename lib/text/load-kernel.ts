/** Compiles kernels in WebAssembly. */
import { Buffer } from 'node:buffer'

declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Returns a function that returns what a kernel exports, compiled at its first call in a millisecond; undefined where there is no WebAssembly SIMD. */
export function kernelLoader(base64: string): () => unknown {
  let exports: unknown
  let isCompiled = false
  return () => {
    if (isCompiled) return exports
    isCompiled = true
    const code = Buffer.from(base64, 'base64')
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined
    exports = new WebAssembly.Instance(new WebAssembly.Module(code)).exports
    return exports
  }
}
