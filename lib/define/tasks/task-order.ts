/** Orders the tasks of a pipeline so that each follows those that it requires, or whose rows it reads. */
import { PermanentError } from '../../errors/errors.ts'
import { invalid } from '../check.ts'
import type { TaskDefinition } from '../definition.ts'
import { readTasks } from '../sources/source-paths.ts'
import type { RequiredTask } from './requirement-definition.ts'

/**
 * Returns the tasks in layers: those of one layer need nothing of each other, and each layer only what earlier ones write. What a
 * function of the params requires is not known yet, and left to the graph of a run.
 * @throws DEFINITION_INVALID when a task requires one that is not in the pipeline, or that is there with another output; GRAPH_CYCLE
 */
export function taskLayers(subject: string, tasks: readonly TaskDefinition[]): readonly (readonly TaskDefinition[])[] {
  const depths = new Map<TaskDefinition, number>()
  const depthOf = (task: TaskDefinition, path: readonly TaskDefinition[]): number => {
    const known = depths.get(task)
    if (known !== undefined) return known
    if (path.includes(task)) throw cycle(subject, [...path.slice(path.indexOf(task)), task])
    const upstream = requiredTasks(task).map(one => findRequired(one, { subject, task, tasks }))
    const depth = Math.max(-1, ...upstream.map(one => depthOf(one, [...path, task]))) + 1
    depths.set(task, depth)
    return depth
  }
  const count = Math.max(...tasks.map(task => depthOf(task, []))) + 1
  return Array.from({ length: count }, (_, depth) => tasks.filter(task => depths.get(task) === depth))
}

type KnownTask = Pick<RequiredTask, 'name' | 'output'>

/** Returns the tasks that a task needs before it, as far as its definition names them. */
export function requiredTasks({
  source,
  tables,
  requires,
}: Pick<TaskDefinition, 'source' | 'tables' | 'requires'>): readonly KnownTask[] {
  const named = typeof requires === 'object' ? Object.values(requires).flat() : []
  const required = named.map(({ task }) => task).filter(task => task.kind === 'task')
  return [...required, ...readTasks({ source, tables })]
}

interface RequiringTask {
  readonly subject: string
  readonly task: TaskDefinition
  readonly tasks: readonly TaskDefinition[]
}

/** Finds a required task among those of the pipeline. @throws DEFINITION_INVALID */
export function findRequired(required: KnownTask, { subject, task, tasks }: RequiringTask): TaskDefinition {
  const where = `${subject}: tasks`
  const { name: upstream, output } = required
  const found = tasks.find(({ name }) => name === upstream)
  if (!found)
    throw invalid(where, `expected ${upstream}, which ${task.name} requires, among the tasks, got none of that name`)
  if (found === required) return found
  if (found === task || JSON.stringify(found.output) !== JSON.stringify(output))
    throw invalid(
      where,
      `expected the ${upstream} that ${task.name} requires, got another task of that name; build ${task.name} from the task that the pipeline has`,
    )
  return found
}

function cycle(subject: string, path: readonly TaskDefinition[]): PermanentError {
  const names = path.map(({ name }) => name)
  const message = `${subject}: tasks: expected tasks that do not wait for themselves, got ${names.join(' → ')}; one of them requires another task of that name`
  return new PermanentError('GRAPH_CYCLE', message, { path: names })
}
