/** The line of a task's bar: whole parts, as many as the terminal is wide. */
import type { RunPhase } from '../model/events.ts'
import { formatBytes, formatCount, formatRate, formatSeconds } from './amounts.ts'
import { textWidth } from './column-widths.ts'

export interface BarState {
  readonly task: string
  readonly phase?: RunPhase | 'done' | undefined
  /** Absent until the run is planned. */
  readonly plan?: BarPlan | undefined
  readonly members: number
  /** Inflated, staged and converted counted by half each. */
  readonly bytes: number
  readonly rows: number
  readonly rejects: number
  /** When the last bytes were converted, in milliseconds since 1970; absent until then. */
  readonly convertedAtMs?: number | undefined
}

export interface BarPlan {
  readonly members: number
  readonly bytes: number
  /** When the work began, in milliseconds since 1970. */
  readonly atMs: number
}

export interface BarOptions {
  readonly columns: number
  readonly nowMs: number
  /** Draws a bar of so many characters. */
  readonly draw: (fraction: number, width: number) => string
}

/** Characters of the bar itself; the narrow one is for terminals where the wide one takes the room of other parts. */
const barWidths = [24, 10] as const
const wideColumns = 100

/** A part that does not fit is left out whole, the least important first; nothing is cut. */
export function barText(state: BarState, { columns, nowMs, draw }: BarOptions): string {
  const { task, phase, plan, bytes, rows, members, rejects } = state
  const room = columns - 1
  if (!plan) return firstThatFits([[task, phase].filter(Boolean).join(' '), task, phase ?? ''], room)
  const isConverted = phase === 'commit' || phase === 'done'
  // Headers are planned, but not among the rows that are converted.
  const fraction = isConverted || plan.bytes === 0 ? 1 : Math.min(1, bytes / plan.bytes)
  const percent = `${Math.floor(fraction * 100)} %`
  const seconds = ((state.convertedAtMs ?? nowMs) - plan.atMs) / 1000
  const left = (seconds * (plan.bytes - bytes)) / bytes
  const [wide, narrow] = barWidths
  const bar = draw(fraction, columns >= wideColumns ? wide : narrow)
  const name = phase === undefined ? task : `${task} ${phase}`
  const head = firstThatFits([`${name} ${bar} ${percent}`, `${name} ${percent}`, `${task} ${percent}`, percent], room)
  const parts: readonly Part[] = [
    { rank: 1, text: `${formatBytes(Math.round(bytes))} of ${formatBytes(plan.bytes)}` },
    { rank: 3, text: `${formatCount(rows)} rows` },
    { rank: 6, text: `${formatCount(members)} of ${formatCount(plan.members)} members` },
    { rank: 4, text: `${formatRate(bytes, seconds)} MB/s inflated` },
    ...(isConverted
      ? []
      : [{ rank: 2, text: bytes > 0 ? `${formatSeconds(Math.ceil(left))} left` : 'time left unknown' }]),
    { rank: rejects > 0 ? 0 : 5, text: `${formatCount(rejects)} rejects` },
  ]
  return [head, ...fitting(parts, room - textWidth(head))].join(separator)
}

interface Part {
  /** The lowest stays longest. */
  readonly rank: number
  readonly text: string
}

const separator = ' · '

/** In their order, without those that do not fit beside more important ones. */
function fitting(parts: readonly Part[], room: number): string[] {
  let left = room
  const kept = new Set<Part>()
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const width = separator.length + textWidth(part.text)
    if (width > left) continue
    left -= width
    kept.add(part)
  }
  return parts.filter(part => kept.has(part)).map(part => part.text)
}

const firstThatFits = (texts: readonly string[], room: number): string =>
  texts.find(text => textWidth(text) <= room) ?? ''
