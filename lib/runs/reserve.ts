/** Reserve: decides whether a run has anything to do, and makes this process its owner. */

import { checkExists } from '../commit/commit-plan.ts'
import { refuseForeignFiles } from '../commit/foreign-files.ts'
import { type Current, changeHead, isLive, lockedOut, readCurrent } from '../commit/head.ts'
import { settleHead } from '../commit/settle-head.ts'
import type { OutputMode, ParamValues } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { hasOnlyRun, hasPartitionsAlone, hasRun, type Manifest } from '../model/manifest.ts'
import type { InputObject } from '../model/plan-data.ts'
import { runIdOf, sortInputs } from '../model/run-identity.ts'
import { checkShape, keptParts, type RunShape } from '../model/schema-fit.ts'
import type { SkippedMembers } from '../model/skipped-member.ts'
import { damagedFile, isDamaged, readUndamaged } from '../state/damaged-state.ts'
import {
  type Actor,
  type ActorOptions,
  actorOf,
  effect,
  readState,
  readVersioned,
  roundsMax,
  type Versioned,
} from '../state/files.ts'
import {
  type Head,
  type Lease,
  type Owner,
  type RunRecord,
  readLease,
  readRunRecord,
  runKeys,
  stateBytes,
} from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { type AppendPlan, planAppend } from './append.ts'
import { rebuildDamagedHead } from './rebuild-head.ts'
import type { RunFrame } from './reservation-file.ts'

export interface ReserveRequest extends ActorOptions, RunShape {
  /** Of the dataset, below the output root; no slash at either end. */
  readonly outputPath: string
  /** Default `parquet`. */
  readonly outputKind?: 'parquet' | 'memberFiles'
  readonly task: string
  readonly params: ParamValues
  readonly codeHash: string
  readonly inputs: readonly InputObject[]
  /** Members that the plan passes over. */
  readonly skipped?: Pick<SkippedMembers, 'count' | 'first'> | undefined
  readonly mode: OutputMode
  /** Runs again what is complete; default false. */
  readonly force?: boolean
  /** Goes on with this attempt or fails: no other run is begun. */
  readonly resume?: AttemptName
  /** False where this process may not change outputs, so that a dead commit is left to Commit; default true. */
  readonly mayRoll?: boolean
}

interface AttemptName {
  readonly runId: string
  readonly attempt: number
}

export type Reservation = CompleteRun | BusyRun | ReservedRun

/** Nothing to do. */
export interface CompleteRun {
  readonly status: 'complete'
  readonly runId: string
  readonly manifest: Manifest
}

/** Another process does it. */
export interface BusyRun {
  readonly status: 'busy'
  readonly runId: string
  readonly owner: Owner
}

/** Ours to do, as JSON; `resume` may find outcomes of an owner before. */
export interface ReservedRun extends RunFrame {
  /** Members that the plan passed over, as its record lists them. */
  readonly skipped?: SkippedMembers
  /** In the order in which the plan numbers them, pinned as in its record; an append leaves out those that it has. */
  readonly inputs: readonly InputObject[]
}

/**
 * First rolls a dead committer's journal to its end. The owner then renews its lease with `renewRun` and ends with `endRun`.
 * @throws OUTPUT_LOCKED, transient, while another run commits to this output
 * @throws OUTPUT_UNSETTLED, transient, with `mayRoll: false`
 * @throws INPUT_ALREADY_APPENDED, OUTPUT_EXISTS, OUTPUT_NOT_OURS, OUTPUT_SCHEMA_MISMATCH
 * @throws RUN_UNKNOWN, RUN_CHANGED, SUPERSEDED, with `resume`
 */
export async function reserveRun(store: Store, request: ReserveRequest): Promise<Reservation> {
  const actor = actorOf(store, request)
  if (request.force) await rebuildDamagedHead(actor, request.outputPath)
  for (let round = 0; round < roundsMax; round++) {
    const { head, live } = await settleHead(actor, request.outputPath, { ...request, dropsDamaged: request.force })
    const current = await readCurrent(store, head.value)
    const wanted = await (request.resume ? resumedRun(store, request, current) : wantedRun(request, current))
    if (live && live.runId === wanted.runId) return { status: 'busy', runId: live.runId, owner: live.owner }
    if (live) throw lockedOut(request.outputPath, live)
    if (wanted.isComplete && current.manifest) {
      return { status: 'complete', runId: wanted.runId, manifest: current.manifest }
    }
    checkFits(request, current, wanted)
    const reservation = await takeRun(actor, { request, head, current, wanted })
    if (reservation) return reservation
  }
  throw lockedOut(request.outputPath)
}

/** Before anything is read; what only the inputs tell is checked by commit. @throws OUTPUT_SCHEMA_MISMATCH */
function checkFits(request: ReserveRequest, { standing }: Current, wanted: Wanted): void {
  if (standing && keptParts(standing, { mode: request.mode, ...wanted }).length > 0)
    checkShape(request.outputPath, standing, request)
}

interface Wanted extends AppendPlan {
  readonly runId: string
  readonly isComplete: boolean
}

interface Taking {
  readonly request: ReserveRequest
  readonly head: Versioned<Head>
  readonly current: Current
  readonly wanted: Wanted
}

function wantedRun(request: ReserveRequest, current: Current): Wanted {
  const { mode, force = false } = request
  const isRedo = force || !current.hasSuccess
  const all: AppendPlan = { inputs: request.inputs, replaces: [] }
  const { inputs, replaces } = mode === 'append' ? planAppend(request.inputs, current.standing, isRedo) : all
  const runId = runIdOf({ ...request, inputs })
  const hasAll = mode === 'append' && inputs.length === 0
  const holds = completeIn[mode]
  const isComplete = !isRedo && current.manifest !== undefined && (hasAll || holds(current.manifest, runId))
  return { inputs: sortInputs(inputs), replaces, runId, isComplete }
}

/** A run that replaces rows is complete only as long as no other run has appended rows in their place. */
const completeIn = { replace: hasOnlyRun, replacePartitions: hasPartitionsAlone, append: hasRun, fail: hasRun }

/** The attempt that is to be gone on with, when what it was made of is still the same. */
async function resumedRun(store: Store, request: ReserveRequest, current: Current): Promise<Wanted> {
  const { runId, attempt } = request.resume as AttemptName
  const isComplete = current.manifest?.runs.some(run => run.runId === runId && run.attempt === attempt) ?? false
  if (isComplete) return { runId, isComplete, inputs: [], replaces: [] }
  const record = await readState(store, runKeys(runId, attempt).run, readRunRecord)
  if (!record)
    throw new PermanentError('RUN_UNKNOWN', `no run ${runId}, attempt ${attempt}; start anew: fanmill start`, { runId })
  // An append that was forced reads again what its dataset has.
  const wanted = wantedRun({ ...request, force: record.replaces.length > 0 }, current)
  if (wanted.runId !== runId) throw changed(record, changesOf(record, request, wanted))
  return { ...wanted, isComplete: false }
}

function changesOf(record: RunRecord, { codeHash }: ReserveRequest, { inputs }: Wanted): string[] {
  const listOf = (all: RunRecord['inputs']): string =>
    JSON.stringify(sortInputs(all).map(({ key, identity, sizeBytes }) => [key, identity, sizeBytes]))
  const isOtherCode = record.codeHash !== codeHash
  const hasOtherInputs = listOf(record.inputs) !== listOf(inputs)
  return [...(isOtherCode ? ['code or tables'] : []), ...(hasOtherInputs ? ['inputs'] : [])]
}

function changed({ runId, attempt, task }: RunRecord, changes: readonly string[]): PermanentError {
  const what = changes.length > 0 ? changes.join(' and ') : 'parameters or output'
  const message = `cannot go on with run ${runId}, attempt ${attempt}: its ${what} changed; start again: fanmill start ${task}`
  return new PermanentError('RUN_CHANGED', message, { runId, attempt, changes })
}

/** Undefined when another changed something meanwhile. */
async function takeRun(actor: Actor, taking: Taking): Promise<BusyRun | ReservedRun | undefined> {
  const { request, head, current, wanted } = taking
  const { runId } = wanted
  const last = await lastAttempt(actor.store, runId, {
    manifest: current.manifest,
    skipsDamaged: request.force === true,
  })
  const isFree = last.record !== undefined && !(await isFinished(actor.store, last.record, taking))
  if (request.resume && !(isFree && last.attempt === request.resume.attempt)) throw overtaken(request, head.value)
  if (last.record && isFree) {
    const key = runKeys(runId, last.attempt).lease
    const lease = await leaseOf(actor.store, key, request)
    const holder = lease?.value ?? last.record
    const isOurs = holder.owner.id === actor.owner.id
    if (!isOurs && isLive(actor, holder)) return { status: 'busy', runId, owner: holder.owner }
    if (isOurs || !request.force || request.resume) {
      const isTaken = await effect(actor, 'take-lease', () => writeLease(actor, key, lease))
      return isTaken ? reserved(actor, taking, last.record, 'resume') : undefined
    }
  }
  const run = { ...request, runId, outputKind: request.outputKind ?? 'parquet' }
  checkExists(run, current.manifest)
  await refuseForeignFiles(actor.store, run, current.manifest)
  const generation = head.value.reserved + 1
  const changed = await effect(actor, 'reserve-generation', () =>
    changeHead(actor.store, head, { reserved: generation }),
  )
  return changed && createRun(actor, taking, { attempt: last.attempt + 1, generation })
}

function overtaken({ resume, outputPath, task }: ReserveRequest, { committed }: Head): PermanentError {
  const { runId, attempt } = resume as AttemptName
  const message = `cannot go on with run ${runId}, attempt ${attempt}: a later attempt or run came to ${outputPath}; start again: fanmill start ${task}`
  return new PermanentError('SUPERSEDED', message, { runId, attempt, winner: committed?.runId, outputPath })
}

/** An attempt that was committed, or that a later generation has overtaken, is not gone on with, whoever owns it. */
async function isFinished(store: Store, record: RunRecord, { request, head }: Taking): Promise<boolean> {
  const committed = head.value.committed?.generation ?? 0
  if (request.mode !== 'append' && record.generation <= committed) return true
  // Written before `_SUCCESS`, and no commit is under way now.
  return (await store.stat(runKeys(record.runId, record.attempt).manifest)) !== undefined
}

async function createRun(
  actor: Actor,
  taking: Taking,
  { attempt, generation }: { readonly attempt: number; readonly generation: number },
): Promise<ReservedRun | undefined> {
  const { request, wanted } = taking
  const { outputPath, mode, task, params, codeHash } = request
  const record: RunRecord = {
    fanmill: 1,
    ...{ runId: wanted.runId, attempt, generation, outputPath, mode, task, params, codeHash },
    inputs: wanted.inputs.map(({ key, sizeBytes, etag, identity }) => ({ key, sizeBytes, etag, identity })),
    replaces: wanted.replaces,
    ...skippedOf(request, runKeys(wanted.runId, attempt).skipped('plan')),
    owner: actor.owner,
    leaseUntil: actor.now() + actor.leaseMs,
    startedAt: timeOf(actor),
  }
  const key = runKeys(wanted.runId, attempt).run
  const etag = await effect(actor, 'create-run', () => actor.store.create(key, stateBytes(record)))
  return etag === undefined ? undefined : reserved(actor, taking, record, 'new')
}

function reserved(
  actor: Actor,
  { request, wanted }: Taking,
  record: RunRecord,
  status: ReservedRun['status'],
): ReservedRun {
  const { outputPath, outputKind = 'parquet', mode, task, params, codeHash } = request
  const { runId, attempt, generation, inputs, startedAt } = record
  return {
    ...{ status, runId, attempt, generation, outputPath, outputKind, mode, task, params, codeHash, inputs },
    startedAt,
    reservedAt: timeOf(actor),
    newEtags: newEtagsOf(inputs, wanted.inputs),
    replaces: wanted.replaces,
    ...(record.skipped && { skipped: record.skipped }),
  }
}

/** The first of them, and where every one is listed. */
function skippedOf({ skipped }: ReserveRequest, file: string): Pick<RunRecord, 'skipped'> {
  if (!skipped || skipped.count === 0) return {}
  const { count, first } = skipped
  return { skipped: { count, first, files: count > first.length ? [file] : [] } }
}

const timeOf = ({ now }: Actor): string => new Date(now()).toISOString()

/** Both are the same inputs in the same order: the run's id is made of them. */
function newEtagsOf(before: readonly InputObject[], now: readonly InputObject[]): ReservedRun['newEtags'] {
  const changed = now.flatMap(({ etag }, index) => (etag === before[index]?.etag ? [] : [[index, etag] as const]))
  return Object.fromEntries(changed)
}

/** With `force`, a lease that cannot be read holds nothing: the next attempt has one of its own. */
async function leaseOf(
  store: Store,
  key: string,
  { force = false, resume }: ReserveRequest,
): Promise<Versioned<Lease> | undefined> {
  try {
    return await readVersioned(store, key, readLease)
  } catch (error) {
    if (!force || resume || !damagedFile(error)) throw error
    return undefined
  }
}

/** The highest attempt there is; 0 when there is none. What the manifest lists counts although its state be gone. */
async function lastAttempt(
  store: Store,
  runId: string,
  { manifest, skipsDamaged }: { readonly manifest: Manifest | undefined; readonly skipsDamaged: boolean },
): Promise<{ readonly attempt: number; readonly record?: RunRecord }> {
  const listed = manifest?.runs.find(run => run.runId === runId)?.attempt ?? 0
  let last: { attempt: number; record?: RunRecord } = { attempt: listed }
  for (let attempt = Math.max(listed, 1); ; attempt++) {
    const { run } = runKeys(runId, attempt)
    const record = await (skipsDamaged ? readUndamaged : readState)(store, run, readRunRecord)
    if (!record) return last
    last = isDamaged(record) ? { attempt } : { attempt, record }
  }
}

async function writeLease(actor: Actor, key: string, from: Versioned<Lease> | undefined): Promise<boolean> {
  const bytes = stateBytes({ owner: actor.owner, leaseUntil: actor.now() + actor.leaseMs } satisfies Lease)
  const etag = from ? await actor.store.replace(key, bytes, from.etag) : await actor.store.create(key, bytes)
  return etag !== undefined
}
