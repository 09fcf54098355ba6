/** Voids outcomes, so that their batches are processed again. */
import { type Outcome, pendingOf } from '../model/outcome/outcome.ts'
import { checkRanges, correctedStarts } from '../model/range-ends.ts'
import type { RunName } from '../model/run/identity.ts'
import { type Actor, readState } from '../state/files.ts'
import { outputPrefix, readStarts, runKeys, type Starts, stateBytes } from '../state/state.ts'
import type { HeadClaim } from './head-claim.ts'

interface OutputRun extends RunName {
  readonly outputPath: string
  /** The stage of the outcomes; default the first. */
  readonly stage?: number | undefined
}

/** Makes each change between two named points; a claim also checks that it is still valid. */
export type Changes = Pick<HeadClaim, 'change'>

/** Removes an outcome. Its parts are aborted first, so that none is left without an outcome. */
export async function voidOutcome(actor: Actor, claim: Changes, run: OutputRun, outcome: Outcome): Promise<void> {
  for (const part of pendingOf(outcome, outputPrefix(run.outputPath)))
    await claim.change('abort-part', () => actor.store.abortPart(part))
  await claim.change('void-outcome', () => actor.store.remove(runKeys(run, run.stage).outcome(outcome.batch)))
}

/**
 * Voids outcomes with ranges that do not meet a neighbour in another batch, writes their correct starts for process, and returns the
 * batches. The first range of a text is certain, so every round makes at least one more certain.
 * @throws ACCOUNT_MISMATCH when the ranges do not meet after as many rounds as there are ranges
 */
export async function voidUnmetRanges(
  actor: Actor,
  claim: Changes,
  run: OutputRun,
  outcomes: readonly Outcome[],
): Promise<number[]> {
  const ranges = outcomes.flatMap(outcome => outcome.ranges ?? [])
  const corrected = correctedStarts(ranges)
  if (corrected.size === 0) return []
  const { starts } = runKeys(run, run.stage)
  const known: Starts = (await readState(actor.store, starts, readStarts)) ?? { rounds: 0, slices: {} }
  if (known.rounds > ranges.length) checkRanges(ranges)
  const next: Starts = { rounds: known.rounds + 1, slices: { ...known.slices, ...Object.fromEntries(corrected) } }
  await claim.change('write-starts', () => actor.store.write(starts, stateBytes(next)))
  const wrong = outcomes.filter(outcome => (outcome.ranges ?? []).some(({ slice }) => corrected.has(slice)))
  for (const outcome of wrong) await voidOutcome(actor, claim, run, outcome)
  return wrong.map(outcome => outcome.batch)
}
