/** Orders the tasks of a pipeline so that each follows the one whose rows it reads. */
import { invalid } from './check.ts'
import type { PartitionsOfSource, TaskDefinition } from './definition.ts'
import { upstreamOf } from './source-paths.ts'

/**
 * Returns the tasks in layers: those of one layer read nothing of each other, and each layer only what earlier ones write.
 * @throws DEFINITION_INVALID when a task reads one that is not in the pipeline, or that is there with another output
 */
export function taskLayers(subject: string, tasks: readonly TaskDefinition[]): readonly (readonly TaskDefinition[])[] {
  const depths = new Map<TaskDefinition, number>()
  const depthOf = (task: TaskDefinition): number => {
    const known = depths.get(task)
    if (known !== undefined) return known
    const upstream = upstreamOf(task.source)
    const depth = upstream ? 1 + depthOf(findUpstream(upstream, { subject, task, tasks })) : 0
    depths.set(task, depth)
    return depth
  }
  const count = Math.max(...tasks.map(depthOf)) + 1
  return Array.from({ length: count }, (_, depth) => tasks.filter(task => depthOf(task) === depth))
}

function findUpstream(
  { name: upstream, output }: PartitionsOfSource['of'],
  {
    subject,
    task,
    tasks,
  }: { readonly subject: string; readonly task: TaskDefinition; readonly tasks: readonly TaskDefinition[] },
): TaskDefinition {
  const where = `${subject}: tasks`
  const found = tasks.find(({ name }) => name === upstream)
  if (!found)
    throw invalid(where, `expected ${upstream}, which ${task.name} reads, among the tasks, got none of that name`)
  if (found === task || JSON.stringify(found.output) !== JSON.stringify(output))
    throw invalid(
      where,
      `expected the ${upstream} that ${task.name} reads, got another task of that name; build ${task.name} from the task that the pipeline has`,
    )
  return found
}
