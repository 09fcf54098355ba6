/** Makes the kernel that parses fields from its source in C. Needs what compile-c.ts needs. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileC, writeKernel } from './compile-c.ts'

const folder = join(import.meta.dirname, '../lib/kernel')
const source = join(folder, 'fields.c')
/** Path of the generated file. */
export const fieldsKernelFile = join(folder, 'fields-wasm.ts')

/** Returns the hash of all that the kernel is made of. */
export function fieldsSourceHash(): string {
  const hash = createHash('sha256')
  for (const file of [source, join(folder, 'nearest-double.h')]) hash.update(readFileSync(file))
  return hash.digest('hex')
}

if (process.argv[1] === import.meta.filename)
  writeKernel(
    fieldsKernelFile,
    { origin: 'fields.c, compiled by scripts/build-fields.ts', hash: fieldsSourceHash() },
    work => compileC(source, work, ['-msimd128', '-Wall', '-Wextra', '-Werror']),
  )
