/** Makes the slices of a text meet: those that began at a wrong place are done again from where their neighbour ends. */

import type { Slice } from '../model/plan-data.ts'
import { correctedStarts, withRecordStarts } from '../model/range-ends.ts'
import type { ShareResult } from '../model/share.ts'

/** A share's slices, and what became of them. */
export interface DoneShare {
  readonly slices: readonly Slice[]
  readonly results: readonly ShareResult[]
}

/**
 * Where a slice begins is guessed, and its left neighbour knows it. The first of a text is certain, so every round makes at least one
 * more certain, and nearly always one round is enough. Shares without a wrong slice stay as they are. What neighbours in another
 * batch say is checked by commit.
 * @throws INPUT_INVALID for a record that is too long; what a share throws
 */
export async function meetRanges(
  shares: readonly DoneShare[],
  again: (share: DoneShare, slices: readonly Slice[]) => Promise<DoneShare>,
): Promise<readonly DoneShare[]> {
  let done = shares
  const roundsMax = shares.reduce((sum, share) => sum + share.slices.length, 0)
  for (let round = 0; round < roundsMax; round++) {
    const starts = correctedStarts(done.flatMap(share => share.results.flatMap(result => result.ranges)))
    if (starts.size === 0) break
    done = await settleAll(
      done.map(share =>
        share.slices.some(({ slice }) => starts.has(slice))
          ? again(share, withRecordStarts(share.slices, starts))
          : share,
      ),
    )
  }
  return done
}

/** Every one is settled before a failure leaves. */
async function settleAll<T>(items: readonly (T | Promise<T>)[]): Promise<T[]> {
  const settled = await Promise.allSettled(items)
  return settled.map(each => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
}
