/** A task with its functions of the parameters called: what a worker does, as data and map functions. */
import type { ParamValues, PipelineDefinition, SqlStep, Step, TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'

/** The steps in order; `where` is the first. The functions get frozen parameters. */
export function resolveSteps(task: Pick<TaskDefinition, 'transform' | 'where'>, params: ParamValues): Step[] {
  const frozen = Object.freeze({ ...params })
  return stepFunctions(task).map(step => step(frozen))
}

/** As above, each still to be called with frozen parameters. */
export function stepFunctions({
  transform,
  where,
}: Pick<TaskDefinition, 'transform' | 'where'>): ((params: ParamValues) => Step)[] {
  const steps = transform.map(
    step => (params: ParamValues) => (typeof step === 'function' ? step(params as never) : step),
  )
  if (where === undefined) return steps
  return [params => whereStep(typeof where === 'function' ? where(params as never) : where), ...steps]
}

/** The task of a pipeline by name. @throws TASK_UNKNOWN */
export function taskNamed(pipeline: PipelineDefinition, name: string): TaskDefinition {
  const task = pipeline.tasks.find(each => each.name === name)
  if (!task)
    throw new PermanentError(
      'TASK_UNKNOWN',
      `pipeline ${pipeline.name} has no task ${name}; it has ${pipeline.tasks.map(each => each.name).join(', ')}`,
    )
  return task
}

const opening = 'SELECT * FROM input WHERE ('
/** On a line of its own: the condition may end in a comment. */
const closing = '\n)'

/** A condition as a whole statement. */
export function whereStep(condition: SqlStep): SqlStep {
  const texts = [...condition.texts]
  texts[0] = `${opening}${texts[0]}`
  texts[texts.length - 1] += closing
  return { ...condition, texts, clause: 'where' }
}

/** The condition in the statement of a task's `where`. */
export const conditionOf = (statement: string): string => statement.slice(opening.length, -closing.length)
