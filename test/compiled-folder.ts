/**
 * Compiles the library once for a run of the tests. Worker threads, processes of the command line and pipelines load it from there (see
 * `compiled-entries.ts`): a thread needs 0.15 seconds of CPU time to load the compiled files, and 0.8 seconds to load the sources.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { compile } from '../scripts/compile.ts'

export default async function setup(project: TestProject): Promise<() => void> {
  // Below node_modules, so that packages are found.
  const parent = join(import.meta.dirname, '../node_modules/.cache')
  mkdirSync(parent, { recursive: true })
  const folder = mkdtempSync(join(parent, 'fanmill-tests-'))
  await compile(folder)
  // Processes that load sources, such as those that bundle functions, compile each of them once.
  const cache = `${folder}-cache`
  process.env.NODE_COMPILE_CACHE = cache
  project.onTestsRerun(() => compile(folder))
  project.provide('compiledFolder', folder)
  return () => {
    for (const each of [folder, cache]) rmSync(each, { recursive: true, force: true })
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the compiled library, as it is published. */
    readonly compiledFolder: string
  }
}
