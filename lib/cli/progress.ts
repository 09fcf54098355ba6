/** The live view of a run on a terminal: a bar a task, messages above it. */
import type { MultiBar, Options, Params, SingleBar } from 'cli-progress'
import type { LogLevel, RunEvent } from '../core/events.ts'
import { formatBytes, formatCount, formatRate, formatSeconds } from './amounts.ts'
import { remark, visible } from './output.ts'

/** Shows the events of a run; `stop` takes the bars away. */
export interface RunView {
  show(event: RunEvent): void
  stop(): void
}

export interface RunViewOptions {
  readonly quiet?: boolean
  /** The bars are drawn here when it is a terminal. */
  readonly stream?: NodeJS.WriteStream
}

/** Bars and messages on a terminal; messages alone when piped; warnings and errors alone when quiet. */
export async function runView({ quiet = false, stream = process.stderr }: RunViewOptions = {}): Promise<RunView> {
  if (quiet || !stream.isTTY) return messagesOnly(quiet)
  const { MultiBar, Format, Presets } = (await import('cli-progress')).default
  const drawBar = Format.BarFormat
  const options: Options = {
    stream,
    fps: 8,
    clearOnComplete: true,
    barsize: 24,
    gracefulExit: false,
    // Whole lines are cut to the terminal here, so that the terminal's own wrapping need not be touched.
    linewrap: true,
    format: (bar, params, payload) =>
      barText(drawBar(params.progress, bar), params, payload as BarPayload, stream.columns),
  }
  return barsView(new MultiBar(options, Presets.shades_classic))
}

interface BarPayload {
  readonly task: string
  readonly members: number
  readonly membersAll: number
  readonly bytes: number
  readonly bytesAll: number
  readonly rows: number
  readonly rejects: number
}

interface Bar {
  readonly single: SingleBar
  readonly payload: BarPayload
}

function messagesOnly(quiet: boolean): RunView {
  return {
    show: event => {
      if (event.event === 'log' && (!quiet || isGrave(event.level))) remark(messageText(event))
    },
    stop: () => {},
  }
}

function barsView(multi: MultiBar): RunView {
  const bars = new Map<string, Bar>()
  const show = (event: RunEvent) => {
    if (event.event === 'plan') {
      const payload = payloadOf(event)
      bars.set(event.task, { single: multi.create(Math.max(1, event.bytes), 0, payload), payload })
    } else if (event.event === 'progress') {
      const { task, members, bytes, rowsWritten: rows, rowsRejected: rejects } = event
      const bar = bars.get(task)
      bar?.single.update(bytes, { ...bar.payload, members, bytes, rows, rejects })
    } else if (event.event === 'log') {
      multi.log(`${messageText(event)}\n`)
    }
  }
  return { show, stop: () => stopBars(multi) }
}

/** Messages that wait for the next drawing are written first. */
function stopBars(multi: MultiBar): void {
  if (multi.isActive) multi.update()
  multi.stop()
}

function payloadOf({ task, members, bytes }: Extract<RunEvent, { event: 'plan' }>): BarPayload {
  return { task, members: 0, membersAll: members, bytes: 0, bytesAll: bytes, rows: 0, rejects: 0 }
}

function barText(bar: string, { progress, startTime, eta }: Params, payload: BarPayload, columns = 80): string {
  const { task, members, membersAll, bytes, bytesAll, rows, rejects } = payload
  const seconds = (Date.now() - startTime) / 1000
  const parts = [
    `${task} ${bar} ${Math.floor(progress * 100)} %`,
    `${formatBytes(bytes)} of ${formatBytes(bytesAll)}`,
    `${formatCount(rows)} rows`,
    `${formatCount(members)} of ${formatCount(membersAll)} members`,
    `${formatRate(bytes, seconds)} MB/s`,
    bytes > 0 && Number.isFinite(eta) ? `${formatSeconds(Math.ceil(eta))} left` : 'time left unknown',
    `${formatCount(rejects)} rejects`,
  ]
  return parts.join(' · ').slice(0, columns - 1)
}

function messageText({ level, message, slice, member, repeats }: Extract<RunEvent, { event: 'log' }>): string {
  const where = member ?? (slice === undefined ? undefined : `slice ${slice}`)
  const more = repeats === undefined ? '' : ` (${formatCount(repeats)} more times)`
  return visible(`${level}: ${where === undefined ? '' : `${where}: `}${message}${more}`)
}

function isGrave(level: LogLevel): boolean {
  return level === 'warn' || level === 'error'
}
