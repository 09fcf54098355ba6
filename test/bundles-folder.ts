/** Makes one folder for a run of the tests, in which each pipeline is bundled for Lambda once (see `bundle-once.ts`). */
import type { TestProject } from 'vitest/node'
import { makeOwnFolder, removeOwnFolder } from '../lib/store/own-folder.ts'
import { temporaryParent } from './temporary-parent.ts'

export default function setup({ provide }: TestProject): () => void {
  const folder = makeOwnFolder(temporaryParent())
  provide('bundlesFolder', folder)
  return () => removeOwnFolder(folder)
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly bundlesFolder: string
  }
}
