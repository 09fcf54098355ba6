/** Resolves the parts of a task that depend on parameters. */
import type { ParamValues, PipelineDefinition, SqlStep, Step, TaskDefinition } from '../define/definition.ts'
import { isExchanging } from '../define/task-stages.ts'
import { PermanentError } from '../errors/errors.ts'

/** Returns the steps in order, with `where` as the first. Functions of the parameters get frozen ones. */
export function resolveSteps(task: Pick<TaskDefinition, 'transform' | 'where'>, params: ParamValues): Step[] {
  const frozen = Object.freeze({ ...params })
  return stepFunctions(task).map(step => step(frozen))
}

/** Returns the steps as functions of frozen parameters, with `where` as the first. */
export function stepFunctions({
  transform,
  where,
}: Pick<TaskDefinition, 'transform' | 'where'>): ((params: ParamValues) => Step)[] {
  const steps = transform.map(step => {
    if (typeof step === 'function') return (params: ParamValues) => step(params as never)
    // Compiled into two stages; callers resolve the steps of a stage.
    if (isExchanging(step)) throw new TypeError(`expected the steps of a stage, got ${step.kind}`)
    return () => step
  })
  if (where === undefined) return steps
  return [params => whereStep(typeof where === 'function' ? where(params as never) : where), ...steps]
}

/** Finds a task of a pipeline by name. @throws TASK_UNKNOWN */
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
/** Begins a new line, because the condition may end in a comment. */
const closing = '\n)'

/** Makes a whole statement of a condition. */
export function whereStep(condition: SqlStep): SqlStep {
  const texts = [...condition.texts]
  texts[0] = `${opening}${texts[0]}`
  texts[texts.length - 1] += closing
  return { ...condition, texts, clause: 'where' }
}

/** Returns the condition in the statement of a task's `where`. */
export const conditionOf = (statement: string): string => statement.slice(opening.length, -closing.length)
