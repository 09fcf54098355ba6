/** Reads the log lines of all functions of a deployed pipeline in order of time. */
import { setTimeout as pause } from 'node:timers/promises'
import type { LogGroup } from '../aws/stack-outputs.ts'
import type { LogLevel } from '../model/events.ts'
import { greatest } from '../model/greatest.ts'
import type { StoredLogEvent } from './aws-control.ts'
import { type Deployed, type DeployedOptions, openDeployed } from './deployed.ts'
import { findExecutionOf, findNamed } from './executions.ts'
import { createLogReader, type LogFilter, type LogLine } from './log-lines.ts'
import { isActive } from './operations-by-status.ts'

export interface LogOptions extends DeployedOptions {
  /** Milliseconds since 1970; default the start of the named run or execution, else an hour ago. */
  readonly since?: number
  /** Default `info`: without the lines of the platform about each invocation. */
  readonly level?: LogLevel
  /** Continues until the signal is aborted, or the named run or execution has ended. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
}

/**
 * Reads the lines of all runs, or of the run or execution called `name`. Memory: a page of each log group; when following, also the ids of
 * the last minutes.
 * @throws as `findPipeline` and `findNamed`
 */
export async function* deployedLogs(options: LogOptions, name?: string): AsyncGenerator<LogLine> {
  const { level = 'info', follow = false, signal } = options
  const deployed = await openDeployed(options)
  const subject = name === undefined ? undefined : await findSubject(deployed, name)
  const from = options.since ?? subject?.from ?? Date.now() - hourMs
  const read = createLogReader({ ...subject?.filter, level })
  const events = follow
    ? followEvents(deployed, { from, subject, signal })
    : readEvents(deployed, { from, to: subject?.to })
  for await (const { step, ...event } of events) {
    if (signal?.aborted) return
    const line = read(event, step)
    if (line) yield line
  }
}

const hourMs = 3_600_000
/** Time before the start, because Plan works before a run begins, and after the end, because an invocation may outlive its execution. */
const besideMs = 900_000

interface Subject {
  readonly filter: Omit<LogFilter, 'level'>
  readonly from: number
  /** Undefined while it runs. */
  readonly to?: number
  /** Time when a run of a laptop ended. */
  readonly endedAt?: number
  /** Undefined for a run of a laptop. */
  readonly arn?: string
}

async function findSubject(deployed: Deployed, name: string): Promise<Subject> {
  const named = await findNamed(deployed, name)
  const execution = 'run' in named ? await findExecutionOf(deployed, named.run) : named.execution
  const begin = Date.parse('run' in named ? named.run.startedAt : named.execution.startedAt)
  const end = execution?.endedAt ?? ('run' in named ? named.run.endedAt : undefined)
  return {
    filter: { run: 'run' in named ? named.run.runId : undefined, executions: execution && [execution.arn] },
    from: begin - besideMs,
    ...(end !== undefined && { to: Date.parse(end) + besideMs, endedAt: Date.parse(end) }),
    arn: execution?.arn,
  }
}

type SteppedEvent = StoredLogEvent & { readonly step: LogGroup['step'] }

/** Merges the log groups, each of which is sorted. */
async function* readEvents({ control, logGroups }: Deployed, range: { readonly from: number; readonly to?: number }) {
  const opening = logGroups.map(async ({ name, step }) => {
    const events = control.logEvents(name, range)
    return { step, events, head: await events.next() }
  })
  const sources = await Promise.all(opening)
  for (;;) {
    const [first] = sources.filter(({ head }) => !head.done).sort((a, b) => a.head.value.at - b.head.value.at)
    if (!first) return
    yield { ...(first.head.value as StoredLogEvent), step: first.step }
    first.head = await first.events.next()
  }
}

/** Reads the last minute again each time, and for some seconds after the end, because lines arrive late and out of order. */
async function* followEvents(
  deployed: Deployed,
  { from, subject, signal }: { readonly from: number; readonly subject?: Subject; readonly signal?: AbortSignal },
): AsyncGenerator<SteppedEvent> {
  const seen = new Map<string, number>()
  let endedAt: number | undefined
  while (!signal?.aborted) {
    endedAt ??= subject && (await readEnd(deployed, subject))
    const isLast = endedAt !== undefined && Date.now() > endedAt + lingerMs
    const latest = greatest(seen.values(), at => at, from)
    for (const [id, at] of seen) if (at < latest - 2 * lateMs) seen.delete(id)
    for await (const event of readEvents(deployed, { from: Math.max(from, latest - lateMs) })) {
      if (seen.has(event.id)) continue
      seen.set(event.id, event.at)
      yield event
    }
    if (isLast) return
    await pause(pollMs, undefined, signal && { signal }).catch(() => undefined)
  }
}

const lateMs = 60_000
const pollMs = 2000
const lingerMs = 10_000

/** Returns the end in milliseconds since 1970; undefined while it runs. */
async function readEnd({ control }: Deployed, { arn, endedAt }: Subject): Promise<number | undefined> {
  if (arn === undefined) return endedAt
  const execution = await control.describe(arn)
  if (isActive(execution)) return undefined
  return execution?.endedAt === undefined ? (endedAt ?? Date.now()) : Date.parse(execution.endedAt)
}
