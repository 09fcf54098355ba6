/** Folds repeated log lines: the first is sent at once, the number of repetitions later. */
import type { LogLevel } from '../../model/events.ts'

export interface FoldableLine {
  readonly level: LogLevel
  readonly message: string
  /** Number of repetitions; absent for the line itself. */
  readonly repeats?: number
}

/** Limit on remembered messages: a program that writes a number into each has no repeats to fold. */
const messagesMax = 1000

/** Lines with the same level and message are repeats; the other fields are those of the first line. */
export function foldRepeats<Line extends FoldableLine>(send: (line: Line) => void) {
  const known = new Map<string, { readonly line: Line; repeats: number }>()
  const flush = (): void => {
    for (const { line, repeats } of known.values()) if (repeats > 0) send({ ...line, repeats })
    known.clear()
  }
  return {
    add(line: Line): void {
      const key = `${line.level} ${line.message}`
      const found = known.get(key)
      if (found) {
        found.repeats += line.repeats ?? 1
        return
      }
      if (known.size >= messagesMax) flush()
      const { repeats: _, ...first } = line
      known.set(key, { line: first as Line, repeats: 0 })
      send(line)
    },
    /** Sends the counts, and forgets the lines. */
    flush,
  }
}
