/** Compiles kernels in C to WebAssembly. Needs clang and wasm-ld 14, and wasm-opt 108; other versions make other bytes. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Returns the module. `work` is an empty folder for its files. */
export function compileC(source: string, work: string, flags: readonly string[]): Buffer {
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, stdio: 'inherit' })
  const target = ['--target=wasm32', '-mbulk-memory', '-ffreestanding', '-O3']
  run('clang', ...target, ...flags, '-c', source, '-o', 'kernel.o')
  const link = ['--no-entry', '--export=__heap_base', '-z', 'stack-size=16384', '--strip-all']
  run('wasm-ld', ...link, 'kernel.o', '-o', 'linked.wasm')
  run('wasm-opt', '-O4', '--enable-bulk-memory', '--enable-simd', 'linked.wasm', '-o', 'kernel.wasm')
  return readFileSync(join(work, 'kernel.wasm'))
}

/** Writes the module of a kernel, whose code `compile` makes in an empty folder. `origin` says what it is made of. */
export function writeKernel(
  file: string,
  { origin, hash }: { readonly origin: string; readonly hash: string },
  compile: (work: string) => Buffer,
): void {
  const work = mkdtempSync(join(tmpdir(), 'kernel-'))
  try {
    const code = compile(work).toString('base64')
    const module = `/**
 * ${origin}: do not edit.
 * Hash of the sources: ${hash}
 */
export const kernelBase64 =
  '${code}'
`
    writeFileSync(file, module)
  } finally {
    rmSync(work, { recursive: true })
  }
}
