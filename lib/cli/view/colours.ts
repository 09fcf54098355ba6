/** Colours texts where the terminal shows colours; `NO_COLOR` and `FORCE_COLOR` are respected. */
import { styleText } from 'node:util'

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim'

/** Returns the text in a colour when `stream` shows colours; else unchanged. */
export function paint(colour: Colour, text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(colour, text, { stream })
}

/** Returns a status in its colour; any other word unchanged. */
export function paintStatus(status: string, stream?: NodeJS.WritableStream): string {
  const colour = statusColours[status]
  return colour === undefined ? status : paint(colour, status, stream)
}

/** Returns the level of a message in its colour. */
export function paintLevel(level: string, stream: NodeJS.WritableStream = process.stderr): string {
  if (level === 'error') return paint('red', level, stream)
  return level === 'warn' ? paint('yellow', level, stream) : level
}

const statusColours: Readonly<Record<string, Colour>> = {
  complete: 'green',
  succeeded: 'green',
  running: 'cyan',
  failed: 'red',
  'timed out': 'red',
  damaged: 'red',
  interrupted: 'yellow',
  stopped: 'yellow',
  superseded: 'dim',
  skipped: 'dim',
  'not run': 'dim',
}
