/** Builds pipelines. */
import * as v from 'valibot'
import { didYouMean } from '../errors/nearest.ts'
import { callerModule } from './caller-module.ts'
import { check, invalid, options, piece } from './check.ts'
import type { PipelineDefinition, TaskDefinition } from './definition.ts'
import { withHidden } from './freeze.ts'
import { checkOutputsApart } from './outputs/output-paths.ts'
import type { ScheduleDefinition } from './params/schedule-definition.ts'
import { definitionName, filledText, relativePath } from './schemas.ts'
import type { Resources } from './tasks/requirement-definition.ts'
import { checkOutputColumns, checkTemplate } from './tasks/task-checks.ts'
import { taskLayers } from './tasks/task-order.ts'
import { amounts, subjectOf } from './tasks/task-schemas.ts'

/** The options of `pipeline`. */
export interface PipelineOptions {
  /**
   * The pipeline's name: lower case letters, digits and hyphens. Required.
   * @example name: 'flights'
   */
  readonly name: string
  /**
   * The tasks, in the order in which they run; one that reads another's rows runs after it. Their names and outputs differ.
   * Required.
   * @example tasks: [flights, delays]
   */
  readonly tasks: readonly TaskDefinition[]
  /**
   * A path template. On AWS, an uploaded key that matches it starts the pipeline, with the parameters that the key holds.
   * Default none.
   * @example trigger: { upload: 'incoming/{month}/*.zip' }
   */
  readonly trigger?: { readonly upload: string }
  /**
   * When the pipeline starts by itself on AWS, with parameters from the scheduled time. Every task whose parameters are all bound runs.
   * Default none.
   * @example schedule: cron('0 6 1 * ? *', { timezone: 'Europe/Berlin', params: { month: lastMonth } })
   */
  readonly schedule?: ScheduleDefinition
  /**
   * How many there are of each resource that tasks use: a walk never runs more at once. Default none.
   * @example resources: { warehouse: 2 }
   */
  readonly resources?: Resources
  /**
   * The URL of the module that workers import. Default the module that calls `pipeline`.
   * @example module: import.meta.url
   */
  readonly module?: string
}

/** A pipeline, and the module that defines it, which JSON does not show. */
export type Pipeline = PipelineDefinition

/**
 * Groups tasks that belong together. Export it as the module's default.
 * @example export default pipeline({ name: 'flights', tasks: [flights], trigger: { upload: 'incoming/*.zip' } })
 * @throws DEFINITION_INVALID with the option's path, what was expected and what was received; OUTPUT_AMBIGUOUS when outputs are equal or nested
 */
export function pipeline(given: PipelineOptions): Pipeline {
  const subject = subjectOf('pipeline', given)
  const { name, tasks, trigger, schedule, resources, module } = check(subject, pipelineOptions, given)
  const twice = tasks.find((task, index) => tasks.findIndex(other => other.name === task.name) < index)
  if (twice !== undefined) throw invalid(`${subject}: tasks`, `expected names that differ, got ${twice.name} twice`)
  tasks.forEach(checkOutputColumns)
  checkResources(subject, tasks, resources)
  checkOutputsApart(subject, tasks)
  if (trigger !== undefined)
    checkTemplate(`${subject}: trigger.upload`, trigger.upload, [
      ...new Set(tasks.flatMap(task => Object.keys(task.params))),
    ])
  if (schedule) checkSchedule(subject, tasks, schedule)
  const ordered = taskLayers(subject, tasks).flat()
  const definition = { kind: 'pipeline', name, tasks: ordered, trigger, schedule, resources } as const
  return withHidden(definition, { module: module ?? callerModule(pipeline) })
}

/** Checks that a schedule names parameters of tasks, and binds all that some task has. */
function checkSchedule(subject: string, tasks: readonly TaskDefinition[], { params }: ScheduleDefinition): void {
  const names = new Set(tasks.flatMap(task => Object.keys(task.params)))
  const unknown = Object.keys(params).find(name => !names.has(name))
  const where = `${subject}: schedule.params`
  if (unknown !== undefined)
    throw invalid(where, `expected parameters of tasks, got ${unknown}${didYouMean(unknown, [...names])}`)
  if (
    !tasks.some(task =>
      Object.entries(task.params).every(([name, param]) => name in params || param.default !== undefined),
    )
  )
    throw invalid(where, 'expected values for all parameters of at least one task, got fewer; no task would run')
}

function checkResources(subject: string, tasks: readonly TaskDefinition[], resources: Resources = {}): void {
  for (const { name: task, resources: uses = {} } of tasks) {
    for (const [name, amount] of Object.entries(uses)) {
      const available = resources[name] ?? 0
      if (amount > available)
        throw invalid(
          `${subject}: resources.${name}`,
          `expected at least ${amount}, which task ${task} uses, got ${available === 0 ? 'nothing' : available}`,
        )
    }
  }
}

const pipelineOptions = options({
  name: definitionName,
  tasks: v.pipe(
    v.array(piece<TaskDefinition>('task({ … })', ['task']), 'a list of tasks'),
    v.minLength(1, 'at least one task'),
  ),
  trigger: v.optional(options({ upload: relativePath })),
  schedule: v.optional(piece<ScheduleDefinition>("cron('0 6 * * ? *')", ['cron'])),
  resources: v.optional(amounts),
  module: v.optional(filledText),
})
