/** Whether the slices of a text meet: each must end where the next one begins, or a record was cut or read twice. */
import { PermanentError } from '../core/errors.ts'
import type { Slice } from '../core/plan-data.ts'
import type { RangeEnds, ShareResult } from '../core/share.ts'

/** @throws ACCOUNT_MISMATCH for neighbours in this batch that do not meet */
export function checkRanges(slices: readonly Slice[], results: readonly ShareResult[]): void {
  const pair = mismatched(slices, results.flatMap(result => result.ranges))
  if (!pair) return
  const [left, right] = pair
  throw new PermanentError(
    'ACCOUNT_MISMATCH',
    `slice ${left.slice} ends at byte ${left.end}, but slice ${right.slice} begins at ${right.start}; quoted newlines misled the cut`,
    { left, right },
  )
}

/** The first two neighbours that do not meet. */
export function mismatched(slices: readonly Slice[], ranges: readonly RangeEnds[]): readonly [RangeEnds, RangeEnds] | undefined {
  const planned = new Map(slices.map(slice => [slice.slice, slice]))
  const sorted = [...ranges].sort((a, b) => a.input - b.input || a.slice - b.slice)
  for (const [index, right] of sorted.entries()) {
    const left = sorted[index - 1]
    const isNeighbour = left && left.input === right.input && left.slice + 1 === right.slice && planned.has(left.slice)
    if (isNeighbour && left.end !== right.start) return [left, right]
  }
  return undefined
}
