/** Checks that the slices of a text meet: each must end where the next one begins, or a record was cut or read twice. */
import { PermanentError } from '../errors/errors.ts'
import type { Slice } from './plan-data.ts'
import type { RangeEnds } from './share.ts'

/** Returns neighbours that do not meet, in order of input and slice. */
function mismatchedRanges(ranges: readonly RangeEnds[]): (readonly [RangeEnds, RangeEnds])[] {
  const sorted = ranges.toSorted((a, b) => a.input - b.input || a.slice - b.slice)
  return sorted.flatMap((right, index) => {
    const left = sorted[index - 1]
    const isNeighbour = left && left.input === right.input && left.slice + 1 === right.slice
    return isNeighbour && left.end !== right.start ? [[left, right] as const] : []
  })
}

/**
 * Returns the correct start of each slice that guessed wrongly: the end of its left neighbour, once that neighbour is known to be right.
 * A neighbour whose end was not found is read again from its own start, so that it reports the over-long record.
 */
export function correctedStarts(ranges: readonly RangeEnds[]): Map<number, number> {
  const pairs = mismatchedRanges(ranges)
  const doubtful = new Set(pairs.map(([, right]) => right.slice))
  const certain = pairs.filter(([left]) => !doubtful.has(left.slice))
  return new Map(certain.map(([left, right]) => (left.end < 0 ? [left.slice, left.start] : [right.slice, left.end])))
}

/** Returns the slices with the starts that are known. */
export function withRecordStarts(slices: readonly Slice[], starts: ReadonlyMap<number, number>): Slice[] {
  return slices.map(slice => {
    const recordStart = starts.get(slice.slice)
    return slice.kind === 'range' && recordStart !== undefined ? { ...slice, recordStart } : slice
  })
}

/** Checks that all neighbours meet. @throws ACCOUNT_MISMATCH for the first two that do not */
export function checkRanges(ranges: readonly RangeEnds[]): void {
  const [pair] = mismatchedRanges(ranges)
  if (!pair) return
  const [left, right] = pair
  const message = `expected slice ${right.slice} to begin at byte ${left.end}, where slice ${left.slice} ends, got ${right.start}; newlines in quotes misled the cut, so nothing was committed; compress the file, which is then read as a whole`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { left, right })
}
