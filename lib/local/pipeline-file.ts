/** Loads a pipeline's definition from its file, and leaves no files behind. */
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { bundlePipeline } from '../bundle/bundle.ts'
import { loadPipeline } from '../bundle/bundle-load.ts'
import type { PipelineDefinition } from '../define/definition.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'

/** Imports what the file exports as default. @throws DEFINITION_LOAD, DEFINITION_INVALID */
export async function loadPipelineFile(path: string): Promise<PipelineDefinition> {
  const outFolder = makeOwnFolder(tmpdir())
  try {
    return await loadPipeline(await bundlePipeline(resolve(path), { outFolder }))
  } finally {
    removeOwnFolder(outFolder)
  }
}
