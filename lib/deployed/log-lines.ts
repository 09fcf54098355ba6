/** Lines of the functions' logs: their own are JSON, the platform's are text. */

import type { LogGroup } from '../aws/stack-outputs.ts'
import { readObject } from '../errors/json-object.ts'
import { isAtLeast, type LogLevel, logLevels } from '../model/events.ts'

/** A line as it stands in its log group. */
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
  /** The rest. */
  readonly fields: Readonly<Record<string, unknown>>
}

export interface Wanted {
  readonly run?: string
  /** ARNs. */
  readonly executions?: readonly string[]
  /** Least level. */
  readonly level: LogLevel
}

export type LogReader = (event: LogEvent, step: LogGroup['step']) => LogLine | undefined

/**
 * Reads lines in order of time, and gives those that are wanted; metrics, which are for dashboards, never. Without run and executions
 * all belong. The platform's lines name only an invocation: they belong where a line of it did, and what they say of one that never
 * said a word itself is given when it is grave.
 */
export function createLogReader({ run, executions, level }: Wanted): LogReader {
  const isAll = run === undefined && executions === undefined
  const invocations = new Map<string, Invocation>()
  const isOfRun = ({ run: own, fields, execution = '' }: LogLine): boolean =>
    (run !== undefined && (own === run || fields.runId === run)) || executions?.includes(execution) === true
  return (event, step) => {
    const line = readLine(event, step)
    if (!line) return undefined
    const { request = '' } = line
    const known = invocations.get(request)
    if (line.execution === undefined) {
      if (line.message.startsWith('REPORT ')) invocations.delete(request)
      const told = isRepeated(line, known) ? { ...line, level: 'debug' as const } : line
      const belongs = isAll || (known?.isWanted ?? isAtLeast(told.level, 'warn'))
      return belongs && isAtLeast(told.level, level) ? told : undefined
    }
    const isWanted = isAll || isOfRun(line)
    invocations.set(request, { isWanted, hasFailed: known?.hasFailed === true || line.level === 'error' })
    return isWanted && isAtLeast(line.level, level) ? line : undefined
  }
}

interface Invocation {
  readonly isWanted: boolean
  /** Whether it said so itself. */
  readonly hasFailed: boolean
}

const isRepeated = ({ message }: LogLine, known: Invocation | undefined): boolean =>
  known?.hasFailed === true && message.includes('\tInvoke Error')

function readLine({ at, text }: LogEvent, step: LogGroup['step']): LogLine | undefined {
  const own = text.startsWith('{') ? readObject(text) : undefined
  if (own && '_aws' in own) return undefined
  return own && typeof own.message === 'string' ? ownLine(own, at, step) : platformLine(text, at, step)
}

/** Written with every line, and the same in all. */
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
    ...(typeof task === 'string' && { task }),
    ...(typeof execution === 'string' && { execution }),
    ...(typeof run === 'string' && { run }),
    ...(typeof batch === 'number' && { batch }),
    ...(typeof member === 'string' && { member }),
    ...(typeof request === 'string' && { request }),
    fields,
  }
}

/** The service knows only when a line reached it. */
function timeOf(timestamp: unknown): string | undefined {
  const time = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

function platformLine(text: string, at: number, step: LogGroup['step']): LogLine {
  const [, request] =
    /RequestId: ([\da-f-]{36})/.exec(text) ?? /\b([\da-f]{8}-[\da-f]{4}-[\da-f-]{22})\b/.exec(text) ?? []
  return {
    at: new Date(at).toISOString(),
    step,
    level: platformLevel(text),
    message: text.trimEnd(),
    ...(request !== undefined && { request }),
    fields: {},
  }
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
function platformLevel(text: string): LogLevel {
  if (/Task timed out|Runtime\.\w+|Runtime exited|\bStatus: (error|timeout)|\tERROR\t|Invoke Error/.test(text))
    return 'error'
  if (/\tWARN\t/.test(text)) return 'warn'
  return /^(START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION|TELEMETRY)\b/.test(text) ? 'debug' : 'info'
}
