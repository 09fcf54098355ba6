/** Finds the paths of salted outputs that the present code of a pipeline does not write. */
import { isSalted } from '../define/outputs/output-kind.ts'
import { FanmillError } from '../errors/errors.ts'
import { resolveNode } from '../graph/resolve-graph.ts'
import { isPathOf } from '../model/run/output-path.ts'
import type { OldSaltOptions } from '../runs/old-salts.ts'
import type { HashedPipeline } from './pipeline-file.ts'

/** A path of another pipeline, or of one that is not known, is not old; nor is one whose task or parameters the pipeline no longer has. */
export function oldPaths({ definition, codeHash }: HashedPipeline): OldSaltOptions['isOld'] {
  return ({ pipeline, task: name, params }, outputPath) => {
    if (pipeline !== definition.name) return false
    const task = definition.tasks.find(each => each.name === name)
    if (!task || !isSalted(task.output)) return false
    try {
      const { node } = resolveNode(definition, { task: name, params }, codeHash)
      return node.output !== outputPath && isPathOf(task, params, outputPath)
    } catch (error) {
      if (error instanceof FanmillError) return false
      throw error
    }
  }
}
