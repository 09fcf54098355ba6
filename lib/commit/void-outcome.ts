/** Takes outcomes back, so that their batches are processed again. */
import { type Outcome, pendingOf } from '../model/outcome.ts'
import { checkRanges, correctedStarts } from '../model/range-ends.ts'
import { type Actor, readState } from '../state/files.ts'
import { outputPrefix, readStarts, runKeys, type Starts, stateBytes } from '../state/state.ts'
import type { HeadClaim } from './head-claim.ts'

interface RunPlace {
  readonly runId: string
  readonly attempt: number
  readonly outputPath: string
}

/** Its parts are aborted first, so that none is left that no outcome names. */
export async function voidOutcome(actor: Actor, claim: HeadClaim, run: RunPlace, outcome: Outcome): Promise<void> {
  for (const part of pendingOf(outcome, outputPrefix(run.outputPath)))
    await claim.change('abort-part', () => actor.store.abortPart(part))
  await claim.change('void-outcome', () => actor.store.remove(runKeys(run.runId, run.attempt).outcome(outcome.batch)))
}

/**
 * Voids outcomes of ranges that do not meet a neighbour in another batch, and notes for process where they begin; the batches.
 * The first range of a text is certain, so every round makes at least one more certain.
 * @throws ACCOUNT_MISMATCH when more rounds than there are ranges did not make them meet
 */
export async function voidApart(
  actor: Actor,
  claim: HeadClaim,
  run: RunPlace,
  outcomes: readonly Outcome[],
): Promise<number[]> {
  const ranges = outcomes.flatMap(outcome => outcome.ranges ?? [])
  const told = correctedStarts(ranges)
  if (told.size === 0) return []
  const { starts } = runKeys(run.runId, run.attempt)
  const known: Starts = (await readState(actor.store, starts, readStarts)) ?? { rounds: 0, slices: {} }
  if (known.rounds > ranges.length) checkRanges(ranges)
  const next: Starts = { rounds: known.rounds + 1, slices: { ...known.slices, ...Object.fromEntries(told) } }
  await claim.change('write-starts', () => actor.store.write(starts, stateBytes(next)))
  const wrong = outcomes.filter(outcome => (outcome.ranges ?? []).some(({ slice }) => told.has(slice)))
  for (const outcome of wrong) await voidOutcome(actor, claim, run, outcome)
  return wrong.map(outcome => outcome.batch)
}
