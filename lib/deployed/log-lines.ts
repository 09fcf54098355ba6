/** Lines of the functions' logs: their own are JSON, the platform's are text. */

import type { LogGroup } from '../aws/stack-outputs.ts'
import { readObject } from '../errors/json-object.ts'
import { isAtLeast, type LogLevel, logLevels } from '../model/events.ts'

/** A line of a log group. */
export interface LogEvent {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
}

export interface LogLine {
  /** ISO 8601. */
  readonly at: string
  readonly step: LogGroup['step']
  readonly level: LogLevel
  readonly message: string
  readonly task?: string
  /** ARN of the execution. */
  readonly execution?: string
  readonly run?: string
  readonly batch?: number
  readonly member?: string
  /** Id of the invocation. */
  readonly request?: string
  /** All other fields. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Lines to return. */
export interface LogFilter {
  readonly run?: string
  /** ARNs. */
  readonly executions?: readonly string[]
  /** Least level. */
  readonly level: LogLevel
}

/**
 * Makes a reader of lines in order of time, which returns those that the filter wants, and never metrics, which are for dashboards.
 * Without run and executions it wants all. Lines of the platform have only an invocation: they belong to the run of that invocation's
 * other lines, and when it has none, those of level warn or higher are returned.
 */
export function createLogReader({ run, executions, level }: LogFilter) {
  const isAll = run === undefined && executions === undefined
  const invocations = new Map<string, Invocation>()
  const isOfRun = ({ run: own, fields, execution = '' }: LogLine): boolean =>
    (run !== undefined && (own === run || fields.runId === run)) || executions?.includes(execution) === true
  return (event: LogEvent, step: LogGroup['step']): LogLine | undefined => {
    const line = readLine(event, step)
    if (!line) return undefined
    const { request = '' } = line
    const known = invocations.get(request)
    if (line.execution === undefined) {
      if (line.message.startsWith('REPORT ')) invocations.delete(request)
      const own = isRepeated(line, known) ? { ...line, level: 'debug' as const } : line
      const belongs = isAll || (known?.isWanted ?? isAtLeast(own.level, 'warn'))
      return belongs && isAtLeast(own.level, level) ? own : undefined
    }
    const isWanted = isAll || isOfRun(line)
    invocations.set(request, { isWanted, hasFailed: known?.hasFailed === true || line.level === 'error' })
    return isWanted && isAtLeast(line.level, level) ? line : undefined
  }
}

interface Invocation {
  readonly isWanted: boolean
  /** Whether it logged the failure itself. */
  readonly hasFailed: boolean
}

const isRepeated = ({ message }: LogLine, known: Invocation | undefined): boolean =>
  known?.hasFailed === true && message.includes('\tInvoke Error')

function readLine({ at, text }: LogEvent, step: LogGroup['step']): LogLine | undefined {
  const own = text.startsWith('{') ? readObject(text) : undefined
  if (own && '_aws' in own) return undefined
  return own && typeof own.message === 'string' ? ownLine(own, at, step) : platformLine(text, at, step)
}

/** Fields that every line has, and that are not shown. */
const constants = ['timestamp', 'service', 'sampling_rate', 'level', 'message', 'xray_trace_id']

function ownLine(own: Readonly<Record<string, unknown>>, at: number, step: LogGroup['step']): LogLine {
  const { task, execution, run, batch, member, request, ...rest } = own
  const level = String(own.level).toLowerCase()
  const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => !constants.includes(name)))
  return {
    at: timeOf(own.timestamp) ?? new Date(at).toISOString(),
    step,
    level: logLevels.find(each => each === level) ?? (level === 'critical' ? 'error' : 'info'),
    message: String(own.message),
    task: textOf(task),
    execution: textOf(execution),
    run: textOf(run),
    batch: typeof batch === 'number' ? batch : undefined,
    member: textOf(member),
    request: textOf(request),
    fields,
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** Returns the time when the line was written; the service has only the time when it arrived. */
function timeOf(timestamp: unknown): string | undefined {
  const time = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

function platformLine(text: string, at: number, step: LogGroup['step']): LogLine {
  const [, request] =
    /RequestId: ([\da-f-]{36})/.exec(text) ?? /\b([\da-f]{8}-[\da-f]{4}-[\da-f-]{22})\b/.exec(text) ?? []
  const message = text.trimEnd()
  return { at: new Date(at).toISOString(), step, level: platformLevel(text), message, request, fields: {} }
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
function platformLevel(text: string): LogLevel {
  if (/Task timed out|Runtime\.\w+|Runtime exited|\bStatus: (error|timeout)|\tERROR\t|Invoke Error/.test(text))
    return 'error'
  if (/\tWARN\t/.test(text)) return 'warn'
  return /^(START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION|TELEMETRY)\b/.test(text) ? 'debug' : 'info'
}
