/** Makes one folder for a run of the tests, in which each pipeline is bundled for Lambda once (see `bundle-once.ts`). */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { temporaryParent } from './temporary-parent.ts'

export default function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(temporaryParent(), 'fanmill-bundles-'))
  provide('bundlesFolder', folder)
  return () => rmSync(folder, { recursive: true, force: true })
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly bundlesFolder: string
  }
}
