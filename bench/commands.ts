/** The programs that are measured: the product, DuckDB, Info-ZIP, and Python's tools. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataFolder, inputPath } from './inputs.ts'
import type { Command } from './measure.ts'
import { peersPython } from './peers.ts'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Output folder of the measured programs, emptied before each measurement. */
export const outFolder: string = join(dataFolder, 'out')

/** A folder in memory, where the machine has a tmpfs. */
export const memoryFolder: string = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `fanmill-bench-${process.pid}`)

/** The command line that is measured: that of the build, as it is published. Sources take longer to start. */
export const productPath: string = at('../dist/lib/cli/main.js')

export function product(...args: string[]): Command {
  return [process.execPath, productPath, ...args]
}

/** Runs one task of `pipelines/orders.ts`. */
export function runTask(task: string, workers: number, ...flags: string[]): Command {
  const roots = ['--input', dataFolder, '--output', outFolder, '--workers', `${workers}`]
  return product('run', at('pipelines/orders.ts'), task, ...roots, ...(flags.length > 0 ? flags : ['--quiet']))
}

/** Plans one task of `pipelines/orders.ts`. */
export function planTask(task: string): Command {
  const roots = ['--input', dataFolder, '--output', outFolder]
  return product('plan', at('pipelines/orders.ts'), task, ...roots)
}

export function duckdbCopy(source: string): Command {
  return [process.execPath, at('duckdb-copy.ts'), source, join(outFolder, 'all.parquet')]
}

export function infoZip(archive: string, destination: string): Command {
  return ['unzip', '-q', archive, '-d', destination]
}

/** Runs a tool of Python; one that needs files extracts them to `extractTo`. */
export function peer(tool: string, source: string, extractTo: string = join(outFolder, 'tmp')): Command {
  return [peersPython(), at('peers/peers.py'), tool, source, outFolder, extractTo]
}

/** Glob of the members that `extractToMemory` extracts once, for the sides that start from files. */
export const membersInMemory: string = join(memoryFolder, 'many/export/*/*.csv')

export function extractToMemory(): void {
  const folder = join(memoryFolder, 'many')
  if (existsSync(folder)) return
  mkdirSync(folder, { recursive: true })
  execFileSync('unzip', ['-q', inputPath('many'), '-d', folder])
}

/** Empties the folders for the next measurement. */
export function emptyFolders(): void {
  for (const folder of [outFolder, join(memoryFolder, 'tmp')]) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }
}

export function removeFolders(): void {
  for (const folder of [outFolder, memoryFolder]) rmSync(folder, { recursive: true, force: true })
}

/** Builds the product where a source is newer. */
export function buildProduct(): void {
  const sources = at('../lib')
  const changed = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => statSync(join(sources, name)).mtimeMs)
  if (existsSync(productPath) && Math.max(...changed) < statSync(productPath).mtimeMs) return
  execFileSync(process.execPath, [at('../scripts/build.ts')], { stdio: 'inherit' })
}
