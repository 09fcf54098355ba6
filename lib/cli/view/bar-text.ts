/** Composes the line of a task's progress bar from parts that fit the width of the terminal. */
import type { RunPhase } from '../../model/events.ts'
import { formatBytes, formatCount, formatRate, formatSeconds } from './amounts.ts'
import { textWidth } from './column-widths.ts'

export interface BarState {
  readonly node: string
  readonly phase?: RunPhase | 'done' | undefined
  /** Absent until the run is planned. */
  readonly plan?: BarPlan | undefined
  readonly members: number
  /** Inflated bytes: staging a byte counts half, converting it the other half. */
  readonly bytes: number
  readonly rows: number
  readonly rejects: number
  /** When the task began, in milliseconds since 1970. */
  readonly startedAtMs: number
  /** How long the task took; absent until it has ended. */
  readonly seconds?: number | undefined
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
  /** Draws a bar of `width` characters. */
  readonly draw: (fraction: number, width: number) => string
}

/** Characters of the bar itself: the wide one, and the one for terminals of less than 100 columns. */
const barWidths = [24, 10] as const
const wideColumns = 100

/** Returns the line. Parts that do not fit are left out whole, the least important first. */
export function barText(state: BarState, { columns, nowMs, draw }: BarOptions): string {
  const { node, phase, plan, bytes, rows, members, rejects } = state
  const room = columns - 1
  if (!plan) return firstThatFits([[node, phase].filter(Boolean).join(' '), node, phase ?? ''], room)
  const isConverted = phase === 'commit' || phase === 'done'
  // Header lines are among the planned bytes, but not among the converted ones, so that the sum stays a little below.
  const fraction = isConverted || plan.bytes === 0 ? 1 : Math.min(1, bytes / plan.bytes)
  const percent = `${Math.floor(fraction * 100)} %`
  // As in the summary: all bytes of the task by its whole time.
  const seconds = state.seconds ?? (nowMs - state.startedAtMs) / 1000
  const left = ((nowMs - plan.atMs) * (plan.bytes - bytes)) / bytes / 1000
  const [wide, narrow] = barWidths
  const bar = draw(fraction, columns >= wideColumns ? wide : narrow)
  const name = phase === undefined ? node : `${node} ${phase}`
  const head = firstThatFits([`${name} ${bar} ${percent}`, `${name} ${percent}`, `${node} ${percent}`, percent], room)
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
  /** Parts with a higher rank are left out first. */
  readonly rank: number
  readonly text: string
}

const separator = ' · '

/** Returns the texts of the parts that fit, in their order; important parts are chosen first. */
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
