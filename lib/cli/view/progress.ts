/** Shows a run on a terminal while it runs: a bar for each task, messages above it. */
import type { MultiBar, Options, SingleBar } from 'cli-progress'
import { isAtLeast, type RunEvent } from '../../model/events.ts'
import { printToStderr, visible } from '../output.ts'
import { formatCount } from './amounts.ts'
import { type BarState, barText } from './bar-text.ts'
import { paintLevel } from './colours.ts'

/** Shows the events of a run; `stop` removes the bars. */
export interface RunView {
  show(event: RunEvent): void
  stop(): void
}

export interface RunViewOptions {
  readonly quiet?: boolean
  /** Stream of the bars, which are drawn only when it is a terminal; default stderr. */
  readonly stream?: NodeJS.WriteStream
}

/** Creates a view: bars and messages on a terminal, only messages when piped, only warnings and errors when quiet. */
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
    // Lines fit the terminal already, so that its own wrapping stays on.
    linewrap: true,
    format: (bar, _params, state) =>
      barText(state as BarState, {
        columns: stream.columns || 80,
        nowMs: Date.now(),
        draw: (fraction, barsize) => drawBar(fraction, { ...bar, barsize }),
      }),
  }
  return barsView(new MultiBar(options, Presets.shades_classic), stream)
}

interface Bar {
  readonly single: SingleBar
  state: BarState
}

function messagesOnly(quiet: boolean): RunView {
  return {
    show: event => {
      if (event.event === 'log' && (!quiet || isAtLeast(event.level, 'warn'))) printToStderr(messageText(event))
    },
    stop: () => {},
  }
}

function barsView(multi: MultiBar, stream: NodeJS.WriteStream): RunView {
  const bars = new Map<string, Bar>()
  const show = (event: RunEvent) => {
    if (event.event === 'log') multi.log(`${messageText(event, stream)}\n`)
    else if (event.event === 'node') finish(multi, bars, event)
    else if (event.event === 'plan' || event.event === 'progress') {
      const before = bars.get(event.node)?.state ?? emptyState(event.node)
      const state = event.event === 'plan' ? { ...before, plan: planOf(event) } : advanced(before, event)
      const bar = bars.get(event.node) ?? { single: multi.create(1, 0, state), state }
      bars.set(event.node, bar)
      bar.state = state
      bar.single.update(state)
    }
  }
  const stop = () => {
    // Writes the messages that wait for the next drawing.
    if (multi.isActive) multi.update()
    multi.stop()
  }
  return { show, stop }
}

/** Limit on the bars of nodes that have ended, so that those of running nodes stay on the screen. */
const finishedMax = 5

/** Marks the bar of a node as done, and removes that of the node that ended first where there are too many. */
function finish(
  multi: MultiBar,
  bars: Map<string, Bar>,
  { node, seconds, bytesInflated: bytes }: Extract<RunEvent, { event: 'node' }>,
): void {
  const bar = bars.get(node)
  if (!bar) return
  bar.state = { ...bar.state, phase: 'done', bytes, seconds }
  bar.single.update(bar.state)
  const done = [...bars].filter(([, { state }]) => state.phase === 'done')
  for (const [name, { single }] of done.slice(0, -finishedMax)) {
    multi.remove(single)
    bars.delete(name)
  }
}

const emptyState = (node: string): BarState => ({
  ...{ node, members: 0, bytes: 0, rows: 0, rejects: 0 },
  startedAtMs: Date.now(),
})

const planOf = ({ members, bytes }: Extract<RunEvent, { event: 'plan' }>) => ({ members, bytes, atMs: Date.now() })

/** Applies a progress event; a run on AWS reports only finished work. */
function advanced(state: BarState, event: Extract<RunEvent, { event: 'progress' }>): BarState {
  const { phase, members, bytes, bytesStaged = bytes, bytesConverted = bytes } = event
  const { rowsWritten, rowsSoFar: rows = rowsWritten, rowsRejected: rejects } = event
  return { ...state, phase, members, bytes: (bytesStaged + bytesConverted) / 2, rows, rejects }
}

function messageText(
  { level, message, slice, member, repeats }: Extract<RunEvent, { event: 'log' }>,
  stream: NodeJS.WriteStream = process.stderr,
): string {
  const where = member ?? (slice === undefined ? undefined : `slice ${slice}`)
  const more = repeats === undefined ? '' : ` (${formatCount(repeats)} more times)`
  return `${paintLevel(level, stream)}: ${visible(`${where === undefined ? '' : `${where}: `}${message}${more}`)}`
}
