/** Whether the slices of a text meet: each must end where the next one begins, or a record was cut or read twice. */
import { PermanentError } from '../errors/errors.ts'
import type { Slice } from './plan-data.ts'
import type { RangeEnds } from './share.ts'

/** Neighbours, in order of input and slice, that do not meet. The first of an input has a left one that is certain, as far as it is given. */
function mismatchedRanges(ranges: readonly RangeEnds[]): (readonly [RangeEnds, RangeEnds])[] {
  const sorted = ranges.toSorted((a, b) => a.input - b.input || a.slice - b.slice)
  return sorted.flatMap((right, index) => {
    const left = sorted[index - 1]
    const isNeighbour = left && left.input === right.input && left.slice + 1 === right.slice
    return isNeighbour && left.end !== right.start ? [[left, right] as const] : []
  })
}

/**
 * By slice, where it truly begins: as its left neighbour tells, if that one meets its own. One that meets, and whose end was not found,
 * holds a record that is too long: told where it began itself, it says so.
 */
export function startsTold(ranges: readonly RangeEnds[]): Map<number, number> {
  const pairs = mismatchedRanges(ranges)
  const doubtful = new Set(pairs.map(([, right]) => right.slice))
  const told = pairs.filter(([left]) => !doubtful.has(left.slice))
  return new Map(told.map(([left, right]) => (left.end < 0 ? [left.slice, left.start] : [right.slice, left.end])))
}

/** The slices, those that were told with their start. */
export function begunAt(slices: readonly Slice[], starts: ReadonlyMap<number, number>): Slice[] {
  return slices.map(slice => {
    const recordStart = starts.get(slice.slice)
    return slice.kind === 'range' && recordStart !== undefined ? { ...slice, recordStart } : slice
  })
}

/** @throws ACCOUNT_MISMATCH for the first neighbours that do not meet */
export function checkRanges(ranges: readonly RangeEnds[]): void {
  const [pair] = mismatchedRanges(ranges)
  if (!pair) return
  const [left, right] = pair
  const message = `slice ${left.slice} ends at byte ${left.end}, but slice ${right.slice} begins at ${right.start}; quoted newlines misled the cut, so nothing was committed`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { left, right })
}
