/** What an event asks of a task: its parameters, or nothing. */
import * as v from 'valibot'
import type { ManualEvent, PlanEvent, UploadEvent } from '../aws/lambda-events.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { readParams } from '../model/param-values.ts'
import type { RunName } from '../model/run-identity.ts'
import type { Waits } from '../model/waits.ts'
import { matchPath } from '../paths/path-template.ts'
import type { StoreSpec } from '../store/open-store.ts'

export interface Asked {
  readonly params: ParamValues
  readonly isUpload: boolean
  readonly force: boolean
  readonly resume?: RunName
  readonly ended: readonly string[]
}

export const uploadSchema = v.looseObject({
  'detail-type': v.literal('Object Created'),
  id: v.string(),
  detail: v.looseObject({
    bucket: v.looseObject({ name: v.string() }),
    object: v.looseObject({ key: v.string(), size: v.optional(v.number()), etag: v.optional(v.string()) }),
  }),
})
const manualSchema = v.strictObject({
  task: v.optional(v.string()),
  params: v.optional(v.record(v.string(), v.unknown())),
  force: v.optional(v.boolean()),
  resume: v.optional(v.strictObject({ runId: v.string(), attempt: v.number() })),
  ended: v.optional(v.array(v.string())),
})

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
export const waitsSchema: v.GenericSchema<unknown, Waits> = v.object({ count, inRow: count, max: count })

export const planEventSchema: v.GenericSchema<unknown, PlanEvent> = v.object({
  task: v.string(),
  execution: v.string(),
  waits: waitsSchema,
  maxConcurrency: count,
  event: v.union([uploadSchema, manualSchema]) as v.GenericSchema<unknown, UploadEvent | ManualEvent>,
})

/**
 * Undefined when the event is not for this task: a key that does not match the trigger, or whose texts are no values of its parameters.
 * @throws PARAM_INVALID for a run by hand, or when the trigger does not name a parameter that is needed; TASK_UNKNOWN
 */
export function readAsked(
  event: PlanEvent['event'],
  task: TaskDefinition,
  at: { readonly pipeline: PipelineDefinition; readonly input: StoreSpec },
): Asked | undefined {
  return 'detail' in event ? ofUpload(event, task, at) : byHand(event, task, at.pipeline)
}

/** Whether an execution with this event begins the work of a task. */
export function isAskedFor(...[event, task, at]: Parameters<typeof readAsked>): boolean {
  try {
    return readAsked(event, task, at) !== undefined
  } catch (error) {
    if (error instanceof FanmillError) return false
    throw error
  }
}

function ofUpload(
  { detail }: UploadEvent,
  task: TaskDefinition,
  { pipeline, input }: Parameters<typeof readAsked>[2],
): Asked | undefined {
  const { trigger } = pipeline
  const prefix = input.kind === 's3' ? input.prefix : ''
  if (!trigger || !detail.object.key.startsWith(prefix)) return undefined
  if (input.kind === 's3' && detail.bucket.name !== input.bucket) return undefined
  const texts = matchPath(trigger.upload, detail.object.key.slice(prefix.length))
  if (!texts) return undefined
  try {
    return {
      params: readParams(task.params, pick(texts, Object.keys(task.params))),
      isUpload: true,
      force: false,
      ended: [],
    }
  } catch (error) {
    // A key such as incoming/old/x.zip, where a month stands in the template.
    if (error instanceof FanmillError && String(error.detail.param) in texts) return undefined
    throw error
  }
}

function byHand(
  { task: name, params = {}, force = false, resume, ended = [] }: ManualEvent,
  task: TaskDefinition,
  { name: pipeline, tasks }: PipelineDefinition,
): Asked | undefined {
  if (name !== undefined && !tasks.some(each => each.name === name))
    throw new PermanentError(
      'TASK_UNKNOWN',
      `pipeline ${pipeline} has no task ${name}; it has ${tasks.map(each => each.name).join(', ')}`,
      { task: name },
    )
  if (name !== undefined && name !== task.name) return undefined
  // Of a whole pipeline each task takes what it knows; what none knows is refused by the first.
  const known = new Set(tasks.flatMap(each => Object.keys(each.params)))
  const others = Object.keys(params).filter(param => known.has(param) && !(param in task.params))
  const own = name === undefined ? omit(params, others) : params
  return { params: readParams(task.params, own), isUpload: false, force, ended, ...(resume && { resume }) }
}

function pick(values: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)))
}

function omit(values: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)))
}
