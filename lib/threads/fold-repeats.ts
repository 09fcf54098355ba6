/** Folds repeated log lines: the first is told at once, how often it came again is told later. */
import type { LogLevel } from '../model/events.ts'

export interface FoldableLine {
  readonly level: LogLevel
  readonly message: string
  /** How many more times it came; absent for a line as it came. */
  readonly repeats?: number
}

export interface RepeatFolder<Line extends FoldableLine> {
  add(line: Line): void
  /** Tells the counts, and forgets. */
  flush(): void
}

/** Different messages remembered: a program that writes a number into each has no repeats to fold. */
const messagesMax = 1000

/** Lines are the same when level and message are; the other fields are those of the first. */
export function foldRepeats<Line extends FoldableLine>(tell: (line: Line) => void): RepeatFolder<Line> {
  const known = new Map<string, { readonly line: Line; repeats: number }>()
  const flush = (): void => {
    for (const { line, repeats } of known.values()) if (repeats > 0) tell({ ...line, repeats })
    known.clear()
  }
  return {
    add(line) {
      const key = `${line.level} ${line.message}`
      const found = known.get(key)
      if (found) {
        found.repeats += line.repeats ?? 1
        return
      }
      if (known.size >= messagesMax) flush()
      const { repeats: _, ...first } = line
      known.set(key, { line: first as Line, repeats: 0 })
      tell(line)
    },
    flush,
  }
}
