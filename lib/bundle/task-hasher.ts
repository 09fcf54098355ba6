/** Computes the code hash of each task of a bundle; apart from loading it, because threads need no parser. */
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import type { Bundle } from './bundle.ts'
import { type LoadableBundle, loadModule } from './bundle-load.ts'
import { codeHasher } from './code-hash.ts'
import { keptHashes } from './kept-hashes.ts'
import { rowVersions } from './own-versions.ts'

type HashableBundle = LoadableBundle & Pick<Bundle, 'hashText' | 'hashesFile'>

/** Returns code hashes by task name: equal on every machine with the same sources, packages and version of this library. */
export async function codeHashes(bundle: HashableBundle, pipeline: PipelineDefinition) {
  const hash = await taskHasher(bundle, pipeline)
  return new Map(pipeline.tasks.map(task => [task.name, hash(task)]))
}

/** Returns a function that computes the code hash of a task, once for all its nodes. */
export async function taskHasher(bundle: HashableBundle, { tasks }: PipelineDefinition) {
  const exported = Object.entries(await loadModule(bundle))
  const { hashText, hashesFile } = bundle
  const compute = codeHasher(hashText)
  const hash = hashesFile === undefined ? compute : keptHashes(hashesFile, hashText, compute)
  const versions = rowVersions()
  const known = new Map<TaskDefinition, string>()
  return (task: TaskDefinition): string => {
    const found = known.get(task)
    if (found !== undefined) return found
    const exportedAs = exported.find(([, value]) => value === task)?.[0]
    const position = { index: tasks.indexOf(task), count: tasks.length }
    const computed = hash({ task: task.name, versions, position, exportedAs, version: task.version })
    known.set(task, computed)
    return computed
  }
}
