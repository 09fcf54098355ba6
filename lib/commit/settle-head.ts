/** Takes over a commit whose owner is dead, so that an output is always in the state before or after a commit. */
import { TransientError } from '../errors/errors.ts'
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, effect, readState, roundsMax, type Versioned } from '../state/files.ts'
import { type Committing, type Head, type Journal, readJournal, runKeys } from '../state/state.ts'
import { rollJournal } from './commit-journal.ts'
import { changeHead, isLive, lockedOut, openHead } from './head.ts'

export interface SettleOptions {
  /** False where this process may not change outputs; default true. */
  readonly mayRoll?: boolean | undefined
  /** Drops the claim of an interrupted commit whose journal is damaged; default false, so that settling fails. */
  readonly dropsDamaged?: boolean | undefined
}

/**
 * Returns the head when no commit is under way, or with the claim of the one that is. An interrupted commit is first completed by its
 * journal; a claim without a journal is dropped.
 * @throws OUTPUT_UNSETTLED, transient, when there is a journal to complete and the actor may not change outputs
 */
export async function settleHead(
  actor: Actor,
  outputPath: string,
  { mayRoll = true, dropsDamaged = false }: SettleOptions = {},
): Promise<{ readonly head: Versioned<Head>; readonly live?: Committing }> {
  for (let round = 0; round < roundsMax; round++) {
    const head = await openHead(actor, outputPath)
    const { committing } = head.value
    if (!committing) return { head }
    if (committing.owner.id !== actor.owner.id && isLive(actor, committing)) return { head, live: committing }
    if (!mayRoll && (await journalOf(actor, committing, dropsDamaged))) throw unsettled(outputPath, committing)
    await takeOver(actor, { head, committing, dropsDamaged })
  }
  throw lockedOut(outputPath)
}

/** Ends the lease of this process's claim, so that another run can take the commit over at once; for a run that is about to end. */
export async function yieldClaim(actor: Actor, outputPath: string): Promise<void> {
  const head = await openHead(actor, outputPath)
  const { committing } = head.value
  if (committing?.owner.id !== actor.owner.id) return
  await changeHead(actor.store, head, { committing: { ...committing, leaseUntil: actor.now() } })
}

interface Takeover extends Required<Pick<SettleOptions, 'dropsDamaged'>> {
  readonly head: Versioned<Head>
  readonly committing: Committing
}

async function takeOver(actor: Actor, { head, committing, dropsDamaged }: Takeover): Promise<void> {
  const mine = { ...committing, owner: actor.owner, leaseUntil: actor.now() + actor.leaseMs }
  const taken = await effect(actor, 'take-over', () => changeHead(actor.store, head, { committing: mine }))
  if (!taken) return
  const journal = await journalOf(actor, mine, dropsDamaged)
  if (journal) await rollJournal(actor, taken, journal, { isResumed: true })
  else await effect(actor, 'drop-claim', () => changeHead(actor.store, taken, { committing: undefined }))
}

/** Reads the journal of this very claim; a journal of an earlier claim was dropped with it. */
async function journalOf(
  { store }: Actor,
  committing: Committing,
  dropsDamaged: boolean,
): Promise<Journal | undefined> {
  const read = dropsDamaged ? readUndamaged : readState
  const journal = await read(store, runKeys(committing).journal, readJournal)
  return journal && !isDamaged(journal) && journal.claim === committing.claim ? journal : undefined
}

function unsettled(outputPath: string, { runId, owner }: Committing): TransientError {
  const message = `${outputPath}: the commit of run ${runId} was interrupted; the next run or commit completes it first`
  return new TransientError('OUTPUT_UNSETTLED', message, { outputPath, runId, owner: owner.id })
}
