/** Names the datasets of a pipeline's tasks. */
import type { PipelineDefinition } from '../define/definition.ts'
import { outputKind } from '../define/output-kind.ts'
import { outputPathOf } from '../model/output-path.ts'
import { areBound, ownValues, readParams, refuseForeignParam } from '../model/param-values.ts'

/**
 * Returns the place of each task's dataset by the name of the task. Tasks whose parameters are not all given have none.
 * @throws PARAM_INVALID for a parameter that no task has
 */
export function taskDatasets(
  { tasks }: PipelineDefinition,
  params: Readonly<Record<string, unknown>>,
  output: string,
): Readonly<Record<string, string>> {
  refuseForeignParam(tasks, params)
  const root = output.replace(/\/+$/, '')
  const places: Record<string, string> = {}
  for (const task of tasks) {
    if (!outputKind(task.output).isDataset) continue
    const own = ownValues(task, params)
    if (areBound(task.params, own)) places[task.name] = `${root}/${outputPathOf(task, readParams(task.params, own))}`
  }
  return places
}
