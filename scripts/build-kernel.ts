/** Makes lib/text/record-kernel-wasm.ts from record-kernel.wat. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import openWabt from 'wabt'

const folder = join(import.meta.dirname, '../lib/text')

/** The generated file, beside what it is generated from. */
export const kernelFile = join(folder, 'record-kernel-wasm.ts')

/** What stands in the generated file. */
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
