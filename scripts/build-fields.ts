/** Makes the kernel that parses fields of its source in C. Needs what compile-c.ts needs. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileC } from './compile-c.ts'

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

if (process.argv[1] === import.meta.filename) {
  const work = mkdtempSync(join(tmpdir(), 'fields-kernel-'))
  try {
    const code = compileC(source, work, ['-msimd128', '-Wall', '-Wextra', '-Werror']).toString('base64')
    const module = `/**
 * fields.c, compiled by scripts/build-fields.ts: do not edit.
 * Hash of the sources: ${fieldsSourceHash()}
 */
export const kernelBase64 =
  '${code}'
`
    writeFileSync(fieldsKernelFile, module)
  } finally {
    rmSync(work, { recursive: true })
  }
}
