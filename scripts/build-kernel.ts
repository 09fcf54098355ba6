/** Makes lib/text/record-kernel-wasm.ts from record-kernel.wat. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openWabt from 'wabt'

const folder = join(import.meta.dirname, '../lib/text')

/** The generated file, beside its source. */
export const kernelFile = join(folder, 'record-kernel-wasm.ts')

/** Returns the text of the generated file. */
export async function kernelModule(): Promise<string> {
  const name = 'record-kernel.wat'
  const wabt = await openWabt()
  const { buffer } = wabt.parseWat(name, readFileSync(join(folder, name), 'utf8'), { simd: true }).toBinary({})
  return `/** ${name}, compiled by scripts/build-kernel.ts: do not edit. */
export const kernelBase64 =
  '${Buffer.from(buffer).toString('base64')}'
`
}

if (import.meta.main) writeFileSync(kernelFile, await kernelModule())
