/** The tasks of an execution and how far they are, from the outputs of its states. */
import type { ManualEvent, UploadEvent } from '../aws/lambda-events.ts'
import type { ErrorCode } from '../errors/errors.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import type { RunName } from '../model/run-identity.ts'

/**
 * `planned`: its batches are processed, or its commit is under way. `complete`: it was complete before this execution.
 * `busy`: another execution works on it. `wait`: it waits for another execution, or for more uploads. `continued`: it waited so long that
 * another execution continues it. `ignored`: it was not requested. `superseded`: a later run that read all of its inputs was committed first.
 */
export interface ExecutedTask {
  readonly task: string
  readonly status:
    | 'more'
    | 'wait'
    | 'unsettled'
    | 'planned'
    | 'committed'
    | 'superseded'
    | 'complete'
    | 'busy'
    | 'continued'
    | 'ignored'
    | 'failed'
  readonly run?: Partial<RunName>
  /** Path of its dataset below the output root, where it was complete before. */
  readonly outputPath?: string
  readonly fault?: Fault
}

export interface Fault {
  readonly code?: ErrorCode
  readonly message: string
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

/** Tells whether the execution does nothing more for a task. */
export const isOver = ({ status }: ExecutedTask): boolean =>
  status !== 'planned' && status !== 'more' && status !== 'wait' && status !== 'unsettled'

/** Returns the ARN of the execution that continues this one, from the outputs of its states. */
export function continuedBy(outputs: readonly string[]): string | undefined {
  const arns = outputs.map(output => readObject(output)?.continuedBy)
  return arns.find(arn => typeof arn === 'string')
}

/** Describes what started an execution; undefined when its input is not known. */
export function startedBy(input: string | undefined): string | undefined {
  const event = readObject(input ?? '') as Partial<UploadEvent & ManualEvent> | undefined
  if (!event) return undefined
  if (event.detail) return `upload of s3://${event.detail.bucket?.name}/${event.detail.object?.key}`
  const words = [event.task, ...Object.entries(event.params ?? {}).map(([name, value]) => `${name}=${value}`)]
  return ['by hand', ...words.filter(Boolean), ...(event.force ? ['force'] : [])].join(' ')
}

/** Returns a fault as an error. */
export function faultError({ code = 'EXECUTION_FAILED', message }: Fault): FanmillError {
  return new PermanentError(code, message)
}

/** Reads `Error` and `Cause` of a state; errors of our functions begin with their code. */
export function faultOf(error: string | undefined, cause: string | undefined): Fault {
  const thrown = readObject(cause ?? '')
  const text = typeof thrown?.errorMessage === 'string' ? thrown.errorMessage : undefined
  const [, code, message] = /^([A-Z]+(?:_[A-Z]+)*) (.+)$/s.exec(text ?? '') ?? []
  if (code !== undefined && message !== undefined) return { code: code as ErrorCode, message }
  const name = typeof thrown?.errorType === 'string' ? thrown.errorType : error
  return { message: [name, text ?? cause].filter(Boolean).join(': ') || 'it failed without an error message' }
}

const statuses: readonly string[] = [
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
] satisfies ExecutedTask['status'][]

/** Reads the output of a state; outputs of Choice and Map states repeat the one before. */
function readTask(output: string): ExecutedTask | undefined {
  const { task, status, run, outputPath, fault } = readObject(output) ?? {}
  if (typeof task !== 'string' || typeof status !== 'string' || !statuses.includes(status)) return undefined
  const { Error: name, Cause: cause } = (fault ?? {}) as { readonly Error?: string; readonly Cause?: string }
  return {
    task,
    status: status as ExecutedTask['status'],
    ...(typeof run === 'object' && run !== null && { run: run as Partial<RunName> }),
    ...(typeof outputPath === 'string' && { outputPath }),
    ...(status === 'failed' && { fault: faultOf(name, cause) }),
  }
}
