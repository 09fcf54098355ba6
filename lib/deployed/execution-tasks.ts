/** What became of the tasks of an execution, from what its states gave. */

import type { ManualEvent, UploadEvent } from '../aws/lambda-events.ts'
import type { ErrorCode } from '../errors/errors.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'
import type { RunName } from '../model/run-identity.ts'

/**
 * `planned`: its batches are processed, or it is being committed. `complete`: it had been before. `busy`: another execution does it.
 * `wait`: it waits for another execution, or for more uploads. `continued`: it waited so long that another execution does it.
 * `ignored`: it was not asked for. `superseded`: a later run that read all that it did was committed first.
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
  readonly fault?: Fault
}

export interface Fault {
  readonly code?: ErrorCode
  readonly message: string
}

/** The tasks in the order in which they were seen first; `outputs` are those of the states that were left, in order, as JSON. */
export function tasksOf(outputs: readonly string[]): ExecutedTask[] {
  const tasks = new Map<string, ExecutedTask>()
  for (const output of outputs) {
    const told = tellingOf(output)
    if (!told) continue
    const before = tasks.get(told.task)
    // The last state of a planned task says that it is complete: now it is.
    const status = told.status === 'complete' && before?.status === 'planned' ? 'committed' : told.status
    tasks.set(told.task, before?.status === 'committed' ? before : { ...before, ...told, status })
  }
  return [...tasks.values()]
}

/** Whether nothing more will become of it in its execution. */
export const isOver = ({ status }: ExecutedTask): boolean =>
  status !== 'planned' && status !== 'more' && status !== 'wait' && status !== 'unsettled'

/** ARN of the execution that continues one, from the outputs of its states. */
export function continuedBy(outputs: readonly string[]): string | undefined {
  const arns = outputs.map(output => readObject(output)?.continuedBy)
  return arns.find(arn => typeof arn === 'string')
}

/** What started an execution, in words; undefined when its input is not known. */
export function startedBy(input: string | undefined): string | undefined {
  const event = readObject(input ?? '') as Partial<UploadEvent & ManualEvent> | undefined
  if (!event) return undefined
  if (event.detail) return `upload of s3://${event.detail.bucket?.name}/${event.detail.object?.key}`
  const words = [event.task, ...Object.entries(event.params ?? {}).map(([name, value]) => `${name}=${value}`)]
  return ['by hand', ...words.filter(Boolean), ...(event.force ? ['force'] : [])].join(' ')
}

/** A fault as an error; a task's end as the state machine has it says its class too. */
export function faultError({ code = 'EXECUTION_FAILED', message }: Fault): FanmillError {
  return new PermanentError(code, message)
}

/** What a state's `Error` and `Cause` say; a function's own errors begin with their code. */
export function faultOf(error: string | undefined, cause: string | undefined): Fault {
  const thrown = readObject(cause ?? '')
  const text = typeof thrown?.errorMessage === 'string' ? thrown.errorMessage : undefined
  const [, code, message] = /^([A-Z]+(?:_[A-Z]+)*) (.+)$/s.exec(text ?? '') ?? []
  if (code !== undefined && message !== undefined) return { code: code as ErrorCode, message }
  const name = typeof thrown?.errorType === 'string' ? thrown.errorType : error
  return { message: [name, text ?? cause].filter(Boolean).join(': ') || 'it failed without a word' }
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

/** Outputs of Choice and Map states repeat what stands before them. */
function tellingOf(output: string): ExecutedTask | undefined {
  const { task, status, run, fault } = readObject(output) ?? {}
  if (typeof task !== 'string' || typeof status !== 'string' || !statuses.includes(status)) return undefined
  const { Error: name, Cause: cause } = (fault ?? {}) as { readonly Error?: string; readonly Cause?: string }
  return {
    task,
    status: status as ExecutedTask['status'],
    ...(typeof run === 'object' && run !== null && { run: run as Partial<RunName> }),
    ...(status === 'failed' && { fault: faultOf(name, cause) }),
  }
}
