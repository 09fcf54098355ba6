/** Colours where the terminal has them: `NO_COLOR` takes them away, and `FORCE_COLOR` asks for them where they would not be. */
import { styleText } from 'node:util'

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim'

/** The text in a colour, where `stream` shows colours; else the text as it is. */
export function paint(colour: Colour, text: string, stream: NodeJS.WritableStream = process.stdout): string {
  return styleText(colour, text, { stream })
}

/** A status word in its colour; a word that is no status as it is. */
export function paintStatus(status: string, stream?: NodeJS.WritableStream): string {
  const colour = statusColours[status]
  return colour === undefined ? status : paint(colour, status, stream)
}

/** The level of a message in its colour. */
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
