/** Bounds the nodes that run at once by what they use. */
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import type { Resources } from '../define/tasks/requirement-definition.ts'
import type { GraphNode } from './graph.ts'

/** Returns those of the ready nodes, in their order, that fit beside the running ones into the resources of the pipeline. */
export function fitResources(
  pipeline: Pick<PipelineDefinition, 'tasks' | 'resources'>,
  { ready, running }: { readonly ready: readonly GraphNode[]; readonly running: readonly GraphNode[] },
): readonly GraphNode[] {
  const usesOf = new Map(pipeline.tasks.map(({ name, resources = {} }) => [name, resources]))
  const left = new Map(Object.entries(pipeline.resources ?? {}))
  const take = (uses: Resources): void => {
    for (const [name, amount] of Object.entries(uses)) left.set(name, (left.get(name) ?? 0) - amount)
  }
  for (const { task } of running) take(usesOf.get(task) ?? {})
  return ready.filter(({ task }) => {
    const uses: NonNullable<TaskDefinition['resources']> = usesOf.get(task) ?? {}
    const fits = Object.entries(uses).every(([name, amount]) => (left.get(name) ?? 0) >= amount)
    if (fits) take(uses)
    return fits
  })
}
