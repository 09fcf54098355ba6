/** The tasks of an execution and how far they are, from the outputs of its states. */
import { type Fault, faultOf } from '../aws/fault.ts'
import type { ManualEvent, ScheduledEvent, UploadEvent } from '../aws/lambda-events.ts'
import type { ParamValues } from '../define/definition.ts'
import { readObject } from '../errors/json-object.ts'
import type { RunName } from '../model/run/identity.ts'
import { paramsText } from '../model/run/node-name.ts'

/** The statuses that states have; `committed` is `complete` after `planned`. */
const statuses = [
  'more',
  'wait',
  'unsettled',
  'planned',
  'superseded',
  'complete',
  'busy',
  'continued',
  'ignored',
  'failed',
] as const

/**
 * `planned`: its batches are processed, or its commit is under way. `complete`: it was complete before this execution.
 * `busy`: another execution works on it. `wait`: it waits for another execution, or for more uploads. `continued`: it waited so long that
 * another execution continues it. `ignored`: it was not requested. `superseded`: a later run that read all of its inputs was committed first.
 * `waiting`: it waits for what it requires. `notRun`: something that it requires failed or was not run.
 */
export interface ExecutedTask {
  readonly task: string
  readonly status: (typeof statuses)[number] | 'committed' | 'waiting' | 'notRun'
  /** Id and parameters of the node; absent for a task that is alone in its execution. */
  readonly node?: string
  readonly params?: ParamValues
  readonly run?: Partial<RunName>
  /** Path of its dataset below the output root: of a node, or where it was complete before. */
  readonly outputPath?: string
  readonly fault?: Fault
}

/** Returns the tasks in the order of their first state; `outputs` are those of the states that have ended, in order, as JSON. */
export function tasksOf(outputs: readonly string[]): ExecutedTask[] {
  const tasks = new Map<string, ExecutedTask>()
  for (const output of outputs) {
    const found = readTask(output)
    if (!found) continue
    const before = tasks.get(found.task)
    // The last state of a planned task is `complete` too: this execution has committed it.
    const status = found.status === 'complete' && before?.status === 'planned' ? 'committed' : found.status
    tasks.set(found.task, before?.status === 'committed' ? before : { ...before, ...found, status })
  }
  return [...tasks.values()]
}

/** Returns the ARN of the execution that continues this one, from the outputs of its states. */
export function continuedBy(outputs: readonly string[]): string | undefined {
  const arns = outputs.map(output => readObject(output)?.continuedBy)
  return arns.find(arn => typeof arn === 'string')
}

/** Describes what started an execution; undefined when its input is not known. */
export function startedBy(input: string | undefined): string | undefined {
  const event = readObject(input ?? '') as Partial<UploadEvent & ManualEvent & ScheduledEvent> | undefined
  if (!event) return undefined
  if (event.schedule) return `schedule, for ${event.schedule.time}`
  if (event.detail) return `upload of s3://${event.detail.bucket?.name}/${event.detail.object?.key}`
  const words = [event.task, paramsText(event.params ?? {})]
  const options = [...(event.force ? ['force'] : []), ...(event.shipped ? [`ship=${event.shipped.slice(0, 12)}`] : [])]
  return ['by hand', ...words.filter(Boolean), ...options].join(' ')
}

/** Reads the output of a state; outputs of Choice and Map states repeat the one before. */
function readTask(output: string): ExecutedTask | undefined {
  const { task, status, run, outputPath, fault } = readObject(output) ?? {}
  if (typeof task !== 'string' || typeof status !== 'string' || !statuses.some(each => each === status))
    return undefined
  const { Error: name, Cause: cause } = (fault ?? {}) as { readonly Error?: string; readonly Cause?: string }
  return {
    task,
    status: status as ExecutedTask['status'],
    ...(typeof run === 'object' && run !== null && { run: run as Partial<RunName> }),
    ...(typeof outputPath === 'string' && { outputPath }),
    ...(status === 'failed' && { fault: faultOf(name, cause) }),
  }
}
