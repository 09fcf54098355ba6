/** Finds and loads the module of a pipeline, and leaves no files behind. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundlePipeline } from '../bundle/bundle.ts'
import { loadPipeline } from '../bundle/bundle-load.ts'
import { taskHasher } from '../bundle/task-hasher.ts'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { inOwnFolder } from '../store/own-folder.ts'

/** A pipeline with the code hashes of its tasks. */
export interface HashedPipeline {
  readonly definition: PipelineDefinition
  readonly codeHash: (task: TaskDefinition) => string
  /** Absolute paths of its sources: the pipeline and what it imports that is not installed. */
  readonly files: readonly string[]
}

/** Imports what the file exports as default. @throws DEFINITION_LOAD, DEFINITION_INVALID */
export async function loadPipelineFile(path: string): Promise<PipelineDefinition> {
  return (await loadHashed(path)).definition
}

/** Imports the module of a pipeline, which an imported definition names. @throws DEFINITION_LOAD, DEFINITION_INVALID */
export function loadHashed(pipeline: PipelineDefinition | string): Promise<HashedPipeline> {
  return inOwnFolder(async outFolder => {
    const bundle = await bundlePipeline(pipelineFile(pipeline), { outFolder })
    const definition = await loadPipeline(bundle)
    return { definition, codeHash: await taskHasher(bundle, definition), files: bundle.files }
  })
}

/** Returns the file of a pipeline: threads import it, since functions cannot be sent to them. */
export function pipelineFile(pipeline: PipelineDefinition | string): string {
  if (typeof pipeline === 'string') return resolve(pipeline)
  const { module } = pipeline as { readonly module?: string }
  if (module?.startsWith('file:')) return fileURLToPath(module)
  const message = `pipeline ${pipeline.name}: its module is unknown; pass pipeline({ …, module: import.meta.url }), or run it by its path`
  throw new PermanentError('DEFINITION_LOAD', message)
}
