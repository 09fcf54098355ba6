/** Says what of the inputs a run does not use: archives that give it nothing, and members that it skips. */
import type { LogLevel } from '../model/events.ts'
import { type SkippedMember, skippedLine } from '../model/skipped-member.ts'
import { take } from './spread.ts'

export interface UnusedArchive {
  readonly archive: string
  readonly message: string
}

/** Members that a plan skips. */
export interface FoundSkipped {
  readonly count: number
  /** Each of them, made when it is asked for. */
  all(): Iterable<SkippedMember>
}

export interface InputWarning {
  readonly level: LogLevel
  readonly message: string
  readonly archive?: string
  readonly member?: string
}

/** Lines of one kind, besides one that counts the others. */
const linesMax = 100

/** The first of each kind, and how many more there are. */
export function inputWarnings(
  { unused, skipped }: { readonly unused: readonly UnusedArchive[]; readonly skipped: FoundSkipped },
  linesOfKind = linesMax,
): readonly InputWarning[] {
  const archives = unused
    .slice(0, linesOfKind)
    .map(({ archive, message }) => ({ level: 'warn' as const, message, archive }))
  const members = Array.from(take(skipped.all(), linesOfKind), skippedLine)
  return [
    ...archives,
    ...more(unused.length - linesOfKind, 'archives give nothing to the run'),
    ...members,
    ...more(skipped.count - linesOfKind, 'members were skipped; the state of the run lists every one: fanmill status'),
  ]
}

function more(count: number, what: string): readonly InputWarning[] {
  return count > 0 ? [{ level: 'warn', message: `${count} more ${what}` }] : []
}
