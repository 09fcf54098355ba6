/** A pipeline's definition from its file, without leaving anything behind. */
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import type { PipelineDefinition } from '../define/definition.ts'
import { bundlePipeline } from '../io/bundle.ts'
import { loadPipeline } from '../io/bundle-load.ts'
import { makeOwnFolder, removeOwnFolder } from '../io/own-folder.ts'

/** Imports what the file exports as default. @throws DEFINITION_LOAD, DEFINITION_INVALID */
export async function loadPipelineFile(path: string): Promise<PipelineDefinition> {
  const outFolder = makeOwnFolder(tmpdir())
  try {
    return await loadPipeline(await bundlePipeline(resolve(path), { outFolder }))
  } finally {
    removeOwnFolder(outFolder)
  }
}
