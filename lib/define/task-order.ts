/** Orders the tasks of a pipeline so that each follows the one whose rows it reads. */
import { invalid } from './check.ts'
import type { TaskDefinition } from './definition.ts'

/**
 * Returns the tasks in layers: those of one layer read nothing of each other, and each layer only what earlier ones write.
 * @throws DEFINITION_INVALID when a task reads one that is not in the pipeline, or that is there with another output
 */
export function taskLayers(subject: string, tasks: readonly TaskDefinition[]): readonly (readonly TaskDefinition[])[] {
  const depths = new Map<TaskDefinition, number>()
  const depthOf = (task: TaskDefinition): number => {
    const known = depths.get(task)
    if (known !== undefined) return known
    const { source } = task
    const depth = source.kind === 'partitionsOf' ? 1 + depthOf(upstreamOf(subject, task, tasks)) : 0
    depths.set(task, depth)
    return depth
  }
  const count = Math.max(...tasks.map(depthOf)) + 1
  return Array.from({ length: count }, (_, depth) => tasks.filter(task => depthOf(task) === depth))
}

function upstreamOf(
  subject: string,
  { name, source }: TaskDefinition,
  tasks: readonly TaskDefinition[],
): TaskDefinition {
  const of = source.kind === 'partitionsOf' ? source.of : undefined
  const found = tasks.find(task => task.name === of?.name)
  if (!found)
    throw invalid(
      `${subject}: tasks`,
      `expected ${of?.name}, which ${name} reads, among the tasks, got none of that name`,
    )
  if (JSON.stringify(found.output) !== JSON.stringify(of?.output))
    throw invalid(
      `${subject}: tasks`,
      `expected the ${found.name} that ${name} reads, got another task of that name; build ${name} from the task that the pipeline has`,
    )
  return found
}
