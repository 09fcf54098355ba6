/** The run of a task that the input of an execution requests. */
import type { ExecutionInput, ManualEvent, ScheduledEvent, UploadEvent } from '../aws/lambda-events.ts'
import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { FanmillError } from '../errors/errors.ts'
import type { RunName } from '../model/run/identity.ts'
import { ownValues, readParams } from '../model/run/param-values.ts'
import { unknownTask } from '../model/run/resolve-task.ts'
import { matchPath } from '../paths/path-template.ts'
import type { StoreSpec } from '../store/open-store.ts'

/** Parameters and options of the requested run. */
export interface RunRequest {
  readonly params: ParamValues
  readonly isUpload: boolean
  readonly force: boolean
  /** Attempt to continue; default a new run, or an unfinished one of the same inputs. */
  readonly resume?: RunName | undefined
  /** Executions known to have ended. */
  readonly ended: readonly string[]
}

/** The pipeline, and where its inputs are. */
export interface RequestPlace {
  readonly pipeline: PipelineDefinition
  readonly input: StoreSpec
}

/**
 * Returns undefined when the event is not for this task: its key does not match the trigger, or has texts that are no values of the parameters.
 * @throws PARAM_INVALID for a run by hand, or when the trigger does not name a parameter that is needed; TASK_UNKNOWN
 */
export function readRunRequest(event: ExecutionInput, task: TaskDefinition, at: RequestPlace): RunRequest | undefined {
  if (isUpload(event)) return requestOfUpload(event, task, at)
  return isByHand(event) ? requestByHand(event, task, at.pipeline) : undefined
}

export const isScheduled = (event: ExecutionInput): event is ScheduledEvent => 'schedule' in event

export const isByHand = (event: ExecutionInput): event is ManualEvent => !isUpload(event) && !isScheduled(event)

export const isUpload = (event: ExecutionInput): event is UploadEvent => 'detail' in event

/** Returns the texts in the key of an upload by parameter; undefined where the key does not match the trigger. */
export function uploadTexts({ detail }: UploadEvent, { pipeline, input }: RequestPlace): PathTexts | undefined {
  const { trigger } = pipeline
  const prefix = input.kind === 's3' ? input.prefix : ''
  if (!trigger || !detail.object.key.startsWith(prefix)) return undefined
  if (input.kind === 's3' && detail.bucket.name !== input.bucket) return undefined
  return matchPath(trigger.upload, detail.object.key.slice(prefix.length))
}

type PathTexts = Readonly<Record<string, string>>

function requestOfUpload(event: UploadEvent, task: TaskDefinition, at: RequestPlace): RunRequest | undefined {
  const texts = uploadTexts(event, at)
  if (!texts) return undefined
  try {
    return { params: readParams(task.params, ownValues(task, texts)), isUpload: true, force: false, ended: [] }
  } catch (error) {
    // For instance incoming/old/x.zip for the template incoming/{month}/x.zip.
    if (error instanceof FanmillError && String(error.detail.param) in texts) return undefined
    throw error
  }
}

function requestByHand(
  { task: name, params = {}, force = false, resume, ended = [] }: ManualEvent,
  task: TaskDefinition,
  pipeline: PipelineDefinition,
): RunRequest | undefined {
  const { tasks } = pipeline
  if (name !== undefined && !tasks.some(each => each.name === name)) throw unknownTask(pipeline, name)
  if (name !== undefined && name !== task.name) return undefined
  // When all tasks are requested, each takes the parameters that it has; the first task refuses those that no task has.
  const isOthers = (param: string): boolean => !(param in task.params) && tasks.some(each => param in each.params)
  const own = Object.entries(params).filter(([param]) => name !== undefined || !isOthers(param))
  return { params: readParams(task.params, Object.fromEntries(own)), isUpload: false, force, ended, resume }
}
