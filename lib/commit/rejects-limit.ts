/** Limits the rejected rows of a run. */
import type { RejectLimit } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Outcome } from '../model/outcome/outcome.ts'

/** Rejects listed in an error. */
const shownMax = 10

/** Returns the number of rows that may be rejected of so many records; a percentage is rounded down. */
export function rejectsAllowed(limit: RejectLimit['max'], records: number): number {
  if (typeof limit === 'number') return limit
  return Math.floor((Number.parseFloat(limit) / 100) * records + 1e-9)
}

/** @throws REJECTS_OVER_LIMIT with the first ten rejects in `detail.rejects` */
export function checkRejects(limit: RejectLimit['max'], outcomes: readonly Outcome[]): void {
  const rejected = outcomes.reduce((total, outcome) => total + outcome.rowsRejected, 0)
  const records = outcomes.reduce((total, outcome) => total + outcome.recordsFound, 0)
  const allowed = rejectsAllowed(limit, records)
  if (rejected <= allowed) return
  const rejects = outcomes.flatMap(outcome => outcome.firstRejects).slice(0, shownMax)
  const first = rejects[0]
  const where = first
    ? `; first: ${[first.archive, first.member].filter(Boolean).join(' ')} line ${first.line}${first.column && `, column ${first.column}`}: expected ${first.expected}`
    : ''
  const message = `expected at most ${allowed} rejected rows of ${records}, got ${rejected}${where}; fix the input, or allow them with rejects: { max: ${rejected} }`
  throw new PermanentError('REJECTS_OVER_LIMIT', message, { rejected, allowed, records, limit, rejects })
}
