/** Makes the modules of the kernels in lib/kernel from their sources in WebAssembly's text format. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openWabt from 'wabt'

const folder = join(import.meta.dirname, '../lib/kernel')

/** Names of the kernels: `{name}.wat` becomes `{name}-wasm.ts`. */
export const kernels = ['record'] as const

/** Returns the path of a generated file, beside its source. */
export const kernelFile = (kernel: string): string => join(folder, `${kernel}-wasm.ts`)

/** Returns the text of a generated file. */
export async function kernelModule(kernel: string): Promise<string> {
  const name = `${kernel}.wat`
  const wabt = await openWabt()
  const { buffer } = wabt.parseWat(name, readFileSync(join(folder, name), 'utf8'), { simd: true }).toBinary({})
  return `/** ${name}, compiled by scripts/build-kernel.ts: do not edit. */
export const kernelBase64 =
  '${Buffer.from(buffer).toString('base64')}'
`
}

if (process.argv[1] === import.meta.filename)
  for (const kernel of kernels) writeFileSync(kernelFile(kernel), await kernelModule(kernel))
