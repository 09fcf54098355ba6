/** Warns about inputs that a run does not use: archives without anything to read, and members that it skips. */
import type { LogMessage } from '../model/events.ts'
import { type SkippedMember, skippedLine } from '../model/outcome/skipped-member.ts'

export interface UnusedArchive {
  readonly archive: string
  readonly message: string
}

/** The members that a plan skips. */
export interface FoundSkipped {
  readonly count: number
  /** Yields each of them, made only when it is needed. */
  all(): Iterable<SkippedMember>
}

type InputWarning = Pick<LogMessage, 'level' | 'message' | 'archive' | 'member'>

/** The most lines of one kind, besides one that counts the others. */
const linesMax = 100

/** Returns the first warnings of each kind, and how many more there are. */
export function inputWarnings(
  { unused, skipped }: { readonly unused: readonly UnusedArchive[]; readonly skipped: FoundSkipped },
  linesOfKind = linesMax,
): readonly InputWarning[] {
  const archives = unused
    .slice(0, linesOfKind)
    .map(({ archive, message }) => ({ level: 'warn' as const, message, archive }))
  const members = Iterator.from(skipped.all()).take(linesOfKind).map(skippedLine).toArray()
  return [
    ...archives,
    ...moreLines(unused.length - linesOfKind, 'archives give nothing to the run'),
    ...members,
    ...moreLines(
      skipped.count - linesOfKind,
      'members were skipped; the state of the run lists every one: fanmill status',
    ),
  ]
}

function moreLines(count: number, what: string): readonly InputWarning[] {
  return count > 0 ? [{ level: 'warn', message: `${count} more ${what}` }] : []
}
