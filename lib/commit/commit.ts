/** Commit: makes the parts of all batches visible, all or none, with `_SUCCESS` last. */

import { FanmillError, PermanentError } from '../errors/errors.ts'
import { nothingIf } from '../errors/expected.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { PlanItem } from '../model/plan-data.ts'
import { canonicalJson } from '../model/run/identity.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import { type Actor, actorOf, effect, roundsMax, type Versioned } from '../state/files.ts'
import type { Committing, Head, Journal } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { type Checked, checkOutcomes } from './commit-check.ts'
import { rollJournal } from './commit-journal.ts'
import type { CommitOptions } from './commit-options.ts'
import { writeJournal } from './commit-plan.ts'
import { type Current, changeHead, lockedOut } from './head.ts'
import { HeadClaim } from './head-claim.ts'
import { currentOf } from './output-commit.ts'
import { checkCode } from './run-code.ts'
import { settleHead } from './settle-head.ts'

/**
 * `missing` batches have lost their outcome and must be processed again before the next commit. `partsLost` is true when their pending
 * parts were gone, and false when their slices began at a wrong place.
 */
export type CommitResult =
  | { readonly done: true; readonly manifest: Manifest }
  | {
      readonly done: false
      readonly missing: readonly number[]
      readonly partsLost: boolean
      /** The plan of the next stage, of which the batches are; absent where they are of the plan that was to be committed. */
      readonly next?: readonly PlanItem[]
    }

/**
 * Commits the whole run or leaves the output as it was; may be called again after any failure, also by another process.
 * @throws RUN_CHANGED when other code than `codeHash` planned the run; transient while a deployment may be under way
 * @throws BATCHES_FAILED when batches have no outcome, with their failures
 * @throws ACCOUNT_MISMATCH, REJECTS_OVER_LIMIT, TOO_MANY_PARTITIONS
 * @throws OUTPUT_LOCKED, transient, while another run commits to this output
 * @throws SUPERSEDED when a run that was planned later has been committed; with `isCovered` in its detail when that run read all inputs of this one
 * @throws OUTPUT_NOT_OURS, OUTPUT_EXISTS, OUTPUT_SCHEMA_MISMATCH
 * @see design: the protocol
 */
export async function commit(store: Store, options: CommitOptions): Promise<CommitResult> {
  const actor = actorOf(store, options)
  const claimed = await claimHead(actor, options)
  if ('done' in claimed) return claimed
  const prepared = await prepare(actor, claimed, options)
  if ('missing' in prepared) return { done: false, ...prepared }
  const rolled = await rollJournal(actor, claimed.head, prepared)
  if (rolled.status === 'refused') throw rolled.error
  if (rolled.status === 'undone') return { done: false, missing: rolled.lostBatches, partsLost: true }
  return { done: true, manifest: rolled.manifest }
}

/** A head with this process's claim, and the state of the output before it. */
interface Claimed {
  readonly head: Versioned<Head>
  readonly current: Current
}

async function claimHead(
  actor: Actor,
  { reservation: run, codeHash, shipped }: CommitOptions,
): Promise<Claimed | Extract<CommitResult, { done: true }>> {
  for (let round = 0; round < roundsMax; round++) {
    const { head, live } = await settleHead(actor, run.outputPath)
    if (live) throw lockedOut(run.outputPath, live)
    const current = await currentOf(actor, head.value, run)
    const isDone = (current.manifest?.runs ?? []).some(one => one.runId === run.runId && one.attempt === run.attempt)
    if (current.manifest && isDone) return { done: true, manifest: current.manifest }
    if (codeHash !== undefined) checkCode(run, { codeHash, shipped, now: actor.now() })
    const generation = generationFor(run, head.value, current)
    const { runId, attempt } = run
    const claim = head.value.claims + 1
    const leaseUntil = actor.now() + actor.leaseMs
    const committing: Committing = { generation, runId, attempt, claim, owner: actor.owner, leaseUntil }
    const reserved = Math.max(head.value.reserved, generation)
    const claimed = await effect(actor, 'claim-head', () =>
      changeHead(actor.store, head, { committing, claims: claim, reserved }),
    )
    if (claimed) return { head: claimed, current }
  }
  throw lockedOut(run.outputPath)
}

/** Returns the run's own generation. An append may also come after later runs, with the next generation, but never adds an input twice. */
function generationFor(run: ReservedRun, head: Head, { standing }: Current): number {
  const isLatest = run.generation > (head.committed?.generation ?? 0)
  if (isLatest && run.mode !== 'append') return run.generation
  const keys = new Set(run.inputs.map(input => input.key))
  const clash = (standing?.runs ?? []).find(
    one => !run.replaces.includes(one.runId) && one.inputs.some(input => keys.has(input.key)),
  )
  if (run.mode === 'append' && !clash) return isLatest ? run.generation : head.reserved + 1
  const winner = clash?.runId ?? head.committed?.runId
  const isCovered = run.mode === 'replace' && readsAll(run, standing, winner)
  const what = `run ${run.runId} was planned before run ${winner} was committed to ${run.outputPath}`
  const hint = isCovered ? 'that run read all inputs of this one' : 'start again to come after it'
  const detail = { runId: run.runId, winner, outputPath: run.outputPath, isCovered }
  throw new PermanentError('SUPERSEDED', `${what}; ${hint}`, detail)
}

/** Whether the later run read all inputs of this one; with other parameters or an older listing it may have read fewer. */
function readsAll({ inputs, task, params }: ReservedRun, standing: Current['standing'], winner?: string): boolean {
  const found = standing?.runs.find(one => one.runId === winner)
  if (!found || canonicalJson([found.task, found.params]) !== canonicalJson([task, params])) return false
  const identities = new Map(found.inputs.map(({ key, identity }) => [key, identity]))
  return inputs.every(({ key, identity }) => identities.get(key) === identity)
}

type Prepared = Journal | Extract<Checked, { missing: unknown }>

/** Checks everything and writes the journal; when that fails, drops the claim, because nothing was changed. */
async function prepare(actor: Actor, { head, current }: Claimed, options: CommitOptions): Promise<Prepared> {
  const claim = new HeadClaim(actor, head)
  try {
    const checked = await checkOutcomes(actor, claim, options)
    if ('missing' in checked) {
      await claim.finish('drop-claim', {})
      return checked
    }
    return await writeJournal(actor, claim, { ...options, current, outcomes: checked.outcomes, head: head.value })
  } catch (error) {
    // Deliberately without failing, because the reason why the commit failed matters more; the lease lapses by itself.
    if (error instanceof FanmillError && error.code !== 'OUTPUT_LOCKED')
      await claim.finish('drop-claim', {}).catch(nothingIf(fault => fault instanceof FanmillError))
    throw error
  }
}
