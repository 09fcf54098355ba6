/**
 * Makes the kernel that inflates: libdeflate's sources with a patch of ours, compiled to WebAssembly.
 * Needs cargo (which gets the sources), patch, and what compile-c.ts needs.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileC, writeKernel } from './compile-c.ts'

const folder = join(import.meta.dirname, '../lib/inflate')
const patch = join(folder, 'libdeflate/joined-pairs.patch')
const kernel = join(folder, 'libdeflate/kernel.c')
/** Path of the generated file. */
export const inflateKernelFile = join(import.meta.dirname, '../lib/kernel/inflate-wasm.ts')

/** The package that has libdeflate 1.26. */
const crate = 'libdeflate-sys'
const version = '1.26.1'

/** Returns the hash of all that the kernel is made of. */
export function inflateSourcesHash(): string {
  const hash = createHash('sha256').update(`${crate} ${version}\n`)
  for (const file of [patch, kernel]) hash.update(readFileSync(file))
  return hash.digest('hex')
}

function compileKernel(work: string): Buffer {
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, stdio: 'inherit' })
  mkdirSync(join(work, 'src'))
  writeFileSync(join(work, 'src/lib.rs'), '')
  writeFileSync(
    join(work, 'Cargo.toml'),
    `[package]\nname = "sources"\nversion = "0.0.0"\n[dependencies]\n${crate} = "=${version}"\n`,
  )
  run('cargo', 'vendor', '--quiet')
  const sources = join('vendor', crate, 'libdeflate')
  run('patch', '--strip=1', `--directory=${sources}`, `--input=${patch}`)
  return compileC(kernel, work, ['-Wno-macro-redefined', `-I${sources}`])
}

const origin =
  'libdeflate (copyright 2016 Eric Biggers, 2024 Google LLC; see libdeflate/COPYING), compiled by scripts/build-inflate.ts'

if (process.argv[1] === import.meta.filename)
  writeKernel(inflateKernelFile, { origin, hash: inflateSourcesHash() }, compileKernel)
