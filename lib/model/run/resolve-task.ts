/** Resolves the parts of a task that depend on parameters. */
import type { ParamValues, PipelineDefinition, SqlStep, Step, TaskDefinition } from '../../define/definition.ts'
import { datasetSource } from '../../define/sources/source-paths.ts'
import { isExchanging } from '../../define/tasks/task-stages.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nearestOrAll } from '../../errors/nearest.ts'

/** The parts of a task that make steps. */
export type SteppedTask = Pick<TaskDefinition, 'transform' | 'where' | 'source'> &
  Partial<Pick<TaskDefinition, 'provenance'>>

/** Returns the steps in order, with the conditions as the first. Functions of the parameters get frozen ones. */
export function resolveSteps(task: SteppedTask, params: ParamValues): Step[] {
  const frozen = Object.freeze({ ...params })
  return stepFunctions(task).map(step => step(frozen))
}

/** Returns the steps as functions of frozen parameters, with the conditions as the first. */
export function stepFunctions(task: SteppedTask): ((params: ParamValues) => Step)[] {
  const ofSource = sourceWhere(task.source) === undefined ? undefined : sourceList(task)
  const conditions = conditionFunctions(task).map(
    (condition, index) => (params: ParamValues) => whereStep(condition(params), index === 0 ? ofSource : undefined),
  )
  const steps = task.transform.map(step => {
    if (typeof step === 'function') return (params: ParamValues) => step(params as never)
    // Compiled into two stages; callers resolve the steps of a stage.
    if (isExchanging(step)) throw new TypeError(`expected the steps of a stage, got ${step.kind}`)
    return () => step
  })
  return [...conditions, ...steps]
}

/** Returns the conditions on the rows as they are read: the `where` of the source, then that of the task. */
export function resolveConditions(task: SteppedTask, params: ParamValues): SqlStep[] {
  const frozen = Object.freeze({ ...params })
  return conditionFunctions(task).map(condition => condition(frozen))
}

function conditionFunctions({ where, source }: SteppedTask): ((params: ParamValues) => SqlStep)[] {
  const conditions = [sourceWhere(source), where]
  return conditions
    .filter(condition => condition !== undefined)
    .map(condition => params => (typeof condition === 'function' ? condition(params as never) : condition))
}

export const sourceWhere = (source: TaskDefinition['source']) => datasetSource(source)?.where

/** Returns what stays of a row after the condition of the source, which may use other columns too; undefined for all. */
function sourceList({ source, provenance = [] }: SteppedTask): string | undefined {
  const columns = datasetSource(source)?.columns
  if (!columns) return undefined
  return [...columns.map(name => `"${name.replaceAll('"', '""')}"`), ...provenance].join(', ')
}

/** Finds a task of a pipeline by name. @throws TASK_UNKNOWN */
export function taskNamed(pipeline: PipelineDefinition, name: string): TaskDefinition {
  const task = pipeline.tasks.find(each => each.name === name)
  if (!task) throw unknownTask(pipeline, name)
  return task
}

/** Returns the error for a task that a pipeline does not have. */
export function unknownTask({ name: pipeline, tasks }: PipelineDefinition, name: string): PermanentError {
  const hint = nearestOrAll(
    name,
    tasks.map(task => task.name),
  )
  return new PermanentError('TASK_UNKNOWN', `pipeline ${pipeline} has no task ${name}; ${hint}`, { task: name })
}

const opening = ' FROM input WHERE ('
/** Begins a new line, because the condition may end in a comment. */
const closing = '\n)'

/** Makes a whole statement of a condition, with all columns or those of a list. */
export function whereStep(condition: SqlStep, list = '*'): SqlStep {
  const texts = [...condition.texts]
  texts[0] = `SELECT ${list}${opening}${texts[0]}`
  texts[texts.length - 1] += closing
  return { ...condition, texts, clause: 'where' }
}

/** Whether the statement of a `where` returns all columns, and not those of a list. */
export const returnsAll = (statement: string): boolean => statement.startsWith(`SELECT *${opening}`)

/** Returns the condition in the statement of a `where`. */
export const conditionOf = (statement: string): string =>
  statement.slice(statement.indexOf(opening) + opening.length, -closing.length)
