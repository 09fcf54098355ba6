/** Takes over a commit whose owner is dead, so that an output is always either before or after one. */
import { type Committing, type Head, readJournal, runKeys } from '../core/state.ts'
import { rollJournal } from './commit-journal.ts'
import { changeHead, isLive, lockedOut, openHead } from './head.ts'
import { type Actor, effect, readState, roundsMax, type Versioned } from './state-files.ts'

/**
 * The head when no commit is under way: a dead committer's journal is first rolled to its end, a claim without one dropped.
 * Returns the live one's claim where there is one.
 */
export async function settleHead(
  actor: Actor,
  outputPath: string,
): Promise<{ readonly head: Versioned<Head>; readonly live?: Committing }> {
  for (let round = 0; round < roundsMax; round++) {
    const head = await openHead(actor, outputPath)
    const { committing } = head.value
    if (!committing) return { head }
    if (committing.owner.id !== actor.owner.id && isLive(actor, committing)) return { head, live: committing }
    await takeOver(actor, head, committing)
  }
  throw lockedOut(outputPath)
}

async function takeOver(actor: Actor, head: Versioned<Head>, committing: Committing): Promise<void> {
  const mine = { ...committing, owner: actor.owner, leaseUntil: actor.now() + actor.leaseMs }
  const taken = await effect(actor, 'take-over', () => changeHead(actor.store, head, { committing: mine }))
  if (!taken) return
  const journal = await readState(actor.store, runKeys(mine.runId, mine.attempt).journal, readJournal)
  if (journal?.claim === mine.claim) await rollJournal(actor, taken, journal)
  else await effect(actor, 'drop-claim', () => changeHead(actor.store, taken, { committing: undefined }))
}
