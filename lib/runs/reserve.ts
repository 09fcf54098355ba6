/** Reserves a run: decides whether there is anything to do, and makes this process the run's owner. */
import { checkExists } from '../commit/commit-plan.ts'
import { refuseForeignFiles } from '../commit/foreign-files.ts'
import { type Current, changeHead, lockedOut } from '../commit/head.ts'
import { currentOf } from '../commit/output-commit.ts'
import { settleHead } from '../commit/settle-head.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { RunName } from '../model/run/identity.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import { checkShape, keepsRows } from '../model/schema-fit.ts'
import { type Actor, actorOf, effect, roundsMax, type Versioned } from '../state/files.ts'
import { type Head, type Owner, type RunRecord, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { type DesiredRun, findDesiredRun } from './desired-run.ts'
import { findLastAttempt, readHolder, takeLease } from './last-attempt.ts'
import { rebuildDamagedHead } from './rebuild-head.ts'
import type { ReserveRequest } from './reserve-request.ts'
import { whyRun } from './why-run.ts'

export type Reservation = CompleteRun | BusyRun | ReservedRun

/** There is nothing to do. */
export interface CompleteRun {
  readonly status: 'complete'
  readonly runId: string
  readonly manifest: Manifest
}

/** Another process works on the run. */
export interface BusyRun {
  readonly status: 'busy'
  readonly runId: string
  readonly owner: Owner
}

/**
 * Completes an interrupted commit first. The owner then renews its lease with `renewRun` and ends the run with `endRun`.
 * @throws OUTPUT_LOCKED, transient, while another run commits to this output
 * @throws OUTPUT_UNSETTLED, transient, with `mayRoll: false`
 * @throws INPUT_ALREADY_APPENDED, OUTPUT_EXISTS, OUTPUT_NOT_OURS, OUTPUT_SCHEMA_MISMATCH
 * @throws RUN_UNKNOWN, RUN_CHANGED, SUPERSEDED, with `resume`
 */
export async function reserveRun(store: Store, request: ReserveRequest): Promise<Reservation> {
  const actor = actorOf(store, request)
  const { outputPath } = request
  if (request.force) await rebuildDamagedHead(actor, outputPath)
  for (let round = 0; round < roundsMax; round++) {
    const { head, live } = await settleHead(actor, outputPath, { ...request, dropsDamaged: request.force })
    const current = await currentOf(actor, head.value, request)
    const desired = await findDesiredRun(store, request, current)
    const { runId } = desired
    if (live && live.runId === runId) return { status: 'busy', runId, owner: live.owner }
    if (live) throw lockedOut(outputPath, live)
    if (desired.isComplete && current.manifest) return { status: 'complete', runId, manifest: current.manifest }
    if (request.unreadable) throw request.unreadable
    checkFits(request, current, desired)
    const reservation = await claimRun({ actor, request, head, current, desired })
    if (reservation) return reservation
  }
  throw lockedOut(outputPath)
}

/** Checks what is known before anything is read; commit checks what only the inputs show. @throws OUTPUT_SCHEMA_MISMATCH */
function checkFits(request: ReserveRequest, { standing, checkFits: check }: Current, desired: DesiredRun): void {
  check?.(request)
  if (!check && standing && keepsRows(standing, { mode: request.mode, ...desired }))
    checkShape(request.outputPath, standing, request)
}

/** One round of reserving: a request, and the state of the output that it met. */
interface ReserveAttempt {
  readonly actor: Actor
  readonly request: ReserveRequest
  readonly head: Versioned<Head>
  readonly current: Current
  readonly desired: DesiredRun
}

/** Resumes the last attempt of the run, or begins the next one; undefined when another process changed the state meanwhile. */
async function claimRun(round: ReserveAttempt): Promise<BusyRun | ReservedRun | undefined> {
  const { actor, request, head, current, desired } = round
  const { resume, force = false } = request
  const { runId } = desired
  const { attempt, record } = await findLastAttempt(actor.store, runId, {
    manifest: current.manifest,
    skipsDamaged: force,
  })
  const unfinished = record && !(await isFinished(record, round)) ? record : undefined
  if (resume && !(unfinished && attempt === resume.attempt)) throw superseded(resume, request, head.value)
  if (unfinished) {
    const { lease, holder, isOurs, isBusy } = await readHolder(actor, unfinished, { skipsDamaged: force && !resume })
    if (isBusy) return { status: 'busy', runId, owner: holder.owner }
    // Some edits leave the code hash as it is, so that other code may have processed the batches.
    const isOfThisCode = unfinished.shipped === request.shipped
    if (isOfThisCode && (isOurs || !force || resume)) {
      const isTaken = await effect(actor, 'take-lease', () => takeLease(actor, unfinished, lease))
      return isTaken ? reservedRun(round, unfinished, 'resume') : undefined
    }
  }
  return beginAttempt(round, attempt + 1)
}

/** An attempt that was committed, or that a later generation has overtaken, cannot be resumed by anyone. */
async function isFinished(record: RunRecord, { actor, request, head }: ReserveAttempt): Promise<boolean> {
  const committed = head.value.committed?.generation ?? 0
  if (request.mode !== 'append' && record.generation <= committed) return true
  // Written before `_SUCCESS`, and no commit is under way now.
  return (await actor.store.stat(runKeys(record).manifest)) !== undefined
}

function superseded(
  { runId, attempt }: RunName,
  { outputPath, task }: ReserveRequest,
  { committed }: Head,
): PermanentError {
  const message = `cannot resume run ${runId}, attempt ${attempt}: a later attempt or run wrote to ${outputPath}; start again: fanmill start ${task}`
  return new PermanentError('SUPERSEDED', message, { runId, attempt, winner: committed?.runId, outputPath })
}

async function beginAttempt(round: ReserveAttempt, attempt: number): Promise<ReservedRun | undefined> {
  const { actor, request, head, current, desired } = round
  const { store } = actor
  const run = { ...request, runId: desired.runId }
  checkExists(run, current.manifest)
  await refuseForeignFiles(store, run, current.manifest)
  const generation = Math.max(head.value.reserved, current.generation ?? 0) + 1
  const changed = await effect(actor, 'reserve-generation', () => changeHead(store, head, { reserved: generation }))
  if (!changed) return undefined
  const reasons = await whyRun(store, request, { current, desired })
  const record = recordOf(round, { attempt, generation, reasons: [...reasons] })
  const key = runKeys(record).run
  const etag = await effect(actor, 'create-run', () => store.create(key, stateBytes(record)))
  return etag === undefined ? undefined : reservedRun(round, record, 'new')
}

function recordOf(
  { actor, request, desired }: ReserveAttempt,
  { attempt, generation, reasons }: Pick<RunRecord, 'attempt' | 'generation' | 'reasons'>,
): RunRecord {
  const { runId, inputs, replaces } = desired
  const { outputPath, mode, task, params, codeHash, shipped, codeParts, skipped, partsSkipped, upstream } = request
  const { count = 0, first = [] } = skipped ?? {}
  // Lists every skipped member, where there are more than the first.
  const files = count > first.length ? [runKeys({ runId, attempt }).skipped('plan')] : []
  return {
    fanmill: 1,
    ...{ runId, attempt, generation, outputPath, mode, task, params, codeHash, shipped, codeParts, reasons },
    inputs: inputs.map(({ key, sizeBytes, etag, identity, columns }) => ({ key, sizeBytes, etag, identity, columns })),
    upstream: upstream?.length ? [...upstream] : undefined,
    replaces,
    skipped: count > 0 ? { count, first, files } : undefined,
    partsSkipped: partsSkipped || undefined,
    owner: actor.owner,
    leaseUntil: actor.now() + actor.leaseMs,
    startedAt: timeOf(actor),
  }
}

function reservedRun(
  { actor, request, desired }: ReserveAttempt,
  record: RunRecord,
  status: ReservedRun['status'],
): ReservedRun {
  const { outputPath, outputKind, mode, task, params, codeHash, shipped } = request
  const { runId, attempt, generation, inputs, startedAt, skipped, reasons } = record
  return {
    ...{ status, runId, attempt, generation, outputPath, outputKind, mode, task, params, codeHash, shipped },
    ...{ inputs, startedAt },
    reservedAt: timeOf(actor),
    newEtags: newEtags(inputs, desired.inputs),
    replaces: desired.replaces,
    skipped,
    reasons,
  }
}

const timeOf = ({ now }: Actor): string => new Date(now()).toISOString()

/** Both lists hold the same inputs in the same order, because the run's id is made of them. */
function newEtags(before: readonly InputObject[], now: readonly InputObject[]): ReservedRun['newEtags'] {
  const changed = now.flatMap(({ etag }, index) => (etag === before[index]?.etag ? [] : [[index, etag] as const]))
  return Object.fromEntries(changed)
}
