/** Names the datasets of a pipeline's tasks. */
import type { TaskDefinition } from '../define/definition.ts'
import { isSalted, outputKind } from '../define/outputs/output-kind.ts'
import { resolveNode } from '../graph/resolve-graph.ts'
import { outputPathOf } from '../model/run/output-path.ts'
import { areBound, ownValues, readParams, refuseForeignParam } from '../model/run/param-values.ts'
import type { HashedPipeline } from './pipeline-file.ts'

/**
 * Returns the place of each task's dataset by the name of the task. Tasks whose parameters are not all given have none.
 * @throws PARAM_INVALID for a parameter that no task has
 */
export function taskDatasets(
  pipeline: Pick<HashedPipeline, 'definition' | 'codeHash'>,
  params: Readonly<Record<string, unknown>>,
  output: string,
): Readonly<Record<string, string>> {
  const { tasks } = pipeline.definition
  refuseForeignParam(tasks, params)
  const root = output.replace(/\/+$/, '')
  const places: Record<string, string> = {}
  for (const task of tasks) {
    if (!outputKind(task.output).isDataset) continue
    const own = ownValues(task, params)
    if (areBound(task.params, own)) places[task.name] = `${root}/${pathOf(pipeline, task, own)}`
  }
  return places
}

/** Only a salted path depends on what the task requires. */
function pathOf(
  { definition, codeHash }: Pick<HashedPipeline, 'definition' | 'codeHash'>,
  task: TaskDefinition,
  params: Readonly<Record<string, unknown>>,
): string {
  const values = readParams(task.params, params)
  if (!isSalted(task.output)) return outputPathOf(task, values, undefined)
  return resolveNode(definition, { task: task.name, params }, codeHash).node.output
}
