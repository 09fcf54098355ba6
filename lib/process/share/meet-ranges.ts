/** Makes the slices of a text meet: a slice that began at a wrong place is processed again from the end of its neighbour. */
import type { Slice } from '../../model/plan-data.ts'
import { correctedStarts, withRecordStarts } from '../../model/range-ends.ts'
import type { ShareResult } from '../../model/share.ts'
import { settleAll } from '../../store/settle-all.ts'

/** A share's slices, and their results. */
export interface FinishedShare {
  readonly slices: readonly Slice[]
  readonly results: readonly ShareResult[]
}

/**
 * The start of a slice is guessed; the end of its left neighbour is the true start. The first slice of a text is certain, so every round
 * makes at least one more certain, and one round is nearly always enough. Shares without a wrong slice stay as they are. Commit checks
 * neighbours in different batches.
 * @throws INPUT_INVALID for a record that is too long; whatever a share throws
 */
export async function meetRanges(
  shares: readonly FinishedShare[],
  repeat: (share: FinishedShare, slices: readonly Slice[]) => Promise<FinishedShare>,
): Promise<readonly FinishedShare[]> {
  let done = shares
  const roundsMax = shares.reduce((sum, share) => sum + share.slices.length, 0)
  for (let round = 0; round < roundsMax; round++) {
    const starts = correctedStarts(done.flatMap(share => share.results.flatMap(result => result.ranges)))
    if (starts.size === 0) break
    done = await settleAll(
      done.map(share =>
        share.slices.some(({ slice }) => starts.has(slice))
          ? repeat(share, withRecordStarts(share.slices, starts))
          : share,
      ),
    )
  }
  return done
}
