/** Ends a run whose pending parts are removed again and again before they are committed. */
import { PermanentError } from '../errors/errors.ts'
import type { CommitResult } from './commit.ts'

/** Something may clean up once or twice while a run works; what cleans up each time would keep it working for ever. */
const lossesMax = 3

/** Returns how often the run has lost pending parts, this commit included. @throws PARTS_LOST for the fourth time */
export function countLosses(
  losses: number,
  { missing, partsLost }: Extract<CommitResult, { done: false }>,
  outputPath: string,
): number {
  if (!partsLost) return losses
  if (losses < lossesMax) return losses + 1
  const message = `${outputPath}: expected the pending parts of ${missing.length} batches, but they were removed ${lossesMax + 1} times before they were committed; find out what removes files below .fanmill/pending of the output root, or on S3 what aborts multipart uploads, then run again`
  throw new PermanentError('PARTS_LOST', message, { batches: missing, outputPath })
}
