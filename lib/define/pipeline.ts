/** The builder of pipelines. */
import * as v from 'valibot'
import { callerModule } from './caller-module.ts'
import { check, invalid, options, piece } from './check.ts'
import type { PipelineDefinition, TaskDefinition } from './definition.ts'
import { frozen } from './freeze.ts'
import { checkOutputsApart } from './output-paths.ts'
import { filledText, relativePath } from './schemas.ts'
import { definitionName } from './task.ts'
import { checkOutputColumns, checkTemplate } from './task-checks.ts'

export interface PipelineOptions {
  /** Lower case letters, digits and hyphens. */
  readonly name: string
  readonly tasks: readonly TaskDefinition[]
  /** A path template: an uploaded key that matches it starts the pipeline with the parameters that the key names. */
  readonly trigger?: { readonly upload: string }
  /** URL of the module that workers import, `import.meta.url`; default the module that calls. */
  readonly module?: string
}

/** A pipeline, and the module where it was defined: a field that JSON does not show. */
export type Pipeline = PipelineDefinition & { readonly module?: string }

/**
 * Tasks that belong together. Export it as the module's default.
 * @throws DEFINITION_INVALID with the option's path, what was expected and what came; OUTPUT_AMBIGUOUS when outputs are equal or nested
 */
export function pipeline(given: PipelineOptions): Pipeline {
  const subject = typeof given?.name === 'string' && given.name !== '' ? `pipeline ${given.name}` : 'pipeline'
  const { name, tasks, trigger, module } = check(subject, pipelineOptions, given)
  const twice = tasks.find((task, index) => tasks.findIndex(other => other.name === task.name) < index)
  if (twice !== undefined) throw invalid(`${subject}: tasks`, `expected names that differ, got ${twice.name} twice`)
  tasks.forEach(checkOutputColumns)
  checkOutputsApart(subject, tasks)
  if (trigger !== undefined)
    checkTemplate(`${subject}: trigger.upload`, trigger.upload, [
      ...new Set(tasks.flatMap(task => Object.keys(task.params))),
    ])
  const definition = { ...frozen({ kind: 'pipeline', name, tasks, trigger } as const) }
  Object.defineProperty(definition, 'module', { value: module ?? callerModule(pipeline), enumerable: false })
  return Object.freeze(definition)
}

const pipelineOptions = options({
  name: definitionName,
  tasks: v.pipe(
    v.array(piece<TaskDefinition>('task({ … })', ['task']), 'a list of tasks'),
    v.minLength(1, 'at least one task'),
  ),
  trigger: v.optional(options({ upload: relativePath })),
  module: v.optional(filledText),
})
