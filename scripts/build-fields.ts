/** Makes the kernel that parses fields of its source in C. Needs what compile-c.ts needs. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileC } from './compile-c.ts'

const source = join(import.meta.dirname, '../lib/kernel/fields.c')
/** Path of the generated file. */
export const fieldsKernelFile = join(import.meta.dirname, '../lib/kernel/fields-wasm.ts')

export const fieldsSourceHash = (): string => createHash('sha256').update(readFileSync(source)).digest('hex')

if (process.argv[1] === import.meta.filename) {
  const work = mkdtempSync(join(tmpdir(), 'fields-kernel-'))
  try {
    const code = compileC(source, work, ['-msimd128', '-Wall', '-Wextra', '-Werror']).toString('base64')
    const module = `/**
 * fields.c, compiled by scripts/build-fields.ts: do not edit.
 * Hash of the source: ${fieldsSourceHash()}
 */
export const kernelBase64 =
  '${code}'
`
    writeFileSync(fieldsKernelFile, module)
  } finally {
    rmSync(work, { recursive: true })
  }
}
