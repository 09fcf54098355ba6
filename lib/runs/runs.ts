/** Lists runs and describes them by their state, without engine or data. */

import { readFailures, readOutcomes } from '../commit/commit-check.ts'
import type { ParamValues } from '../define/definition.ts'
import { joinSides } from '../define/steps/join-definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest, nearestHint } from '../errors/nearest.ts'
import type { ManifestRun } from '../model/outcome/manifest.ts'
import { type Failure, type Outcome, totalsOfRun } from '../model/outcome/outcome.ts'
import { joinSkipped, type SkippedMembers } from '../model/outcome/skipped-member.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { RunName } from '../model/run/identity.ts'
import { type DamagedFile, isDamaged, orDamaged, readUndamaged } from '../state/damaged-state.ts'
import { mapParallel, readState, readsAtOnce } from '../state/files.ts'
import {
  type Lease,
  type Owner,
  type RunEnd,
  type RunRecord,
  readLease,
  readManifest,
  readPlan,
  readRunEnd,
  readRunRecord,
  runKeys,
} from '../state/state.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'

/** One attempt of a run. */
export interface RunSummary {
  readonly runId: string
  readonly attempt: number
  readonly task: string
  readonly params: ParamValues
  /**
   * `complete`: it was committed, and may have been replaced since. `superseded`: it was not committed, because a later run that read
   * all of its inputs was committed first. `damaged`: a file of its state is damaged, which `error` names.
   */
  readonly status: 'running' | 'interrupted' | 'failed' | 'superseded' | 'complete' | 'damaged'
  /** Path of the dataset below the output root. */
  readonly output: string
  /** The process or execution that works on it, or did last. */
  readonly owner: Owner
  /** 0 while it is being planned. */
  readonly batches: number
  readonly batchesDone: number
  readonly rowsWritten: number
  readonly rowsRead: number
  readonly rowsRejected: number
  readonly members: number
  /** Bad members that were skipped so far; absent where none were. */
  readonly skipped?: SkippedMembers
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string
  /** The last failure of each batch that has no outcome yet. */
  readonly failures: readonly Failure[]
  /** The reason why it failed as a whole, or the run that superseded it. */
  readonly error?: NonNullable<RunEnd['error']>
  /** Keys of the rejected rows, Parquet, in order of batch. */
  readonly rejects: readonly string[]
}

/** The present time, and whether an owner is alive: undefined where only its lease decides. */
export interface RunClock {
  readonly now: () => number
  readonly isAlive: (owner: Owner) => boolean | undefined | Promise<boolean | undefined>
}

/**
 * Lists every attempt, or the `limit` latest, the latest start first. Lists the folders of all attempts, and reads some files of each
 * attempt that it returns; with a limit, only the record of the others, for its start.
 */
export async function listRuns(store: Store, clock: RunClock, limit = Number.POSITIVE_INFINITY): Promise<RunSummary[]> {
  const names = await attemptsIn(store)
  const listed = names.length > limit ? (await byStart(store, names)).slice(0, limit) : names
  return readAll(listed, name => readAttempt(store, clock, name))
}

/**
 * Reads the latest attempt of a run, which may be named by its first digits; without a name the latest of all runs.
 * @throws RUN_UNKNOWN
 */
export async function readRun(store: Store, clock: RunClock, runId?: string): Promise<RunSummary> {
  const names = await attemptsIn(store)
  const begins = names.filter(name => runId !== undefined && name.runId.startsWith(runId))
  const found = begins.length > 0 ? await byStart(store, begins) : []
  const isOne = new Set(found.map(name => name.runId)).size === 1
  const latest = isOne
    ? found.reduce((a, b) => (a.attempt > b.attempt ? a : b))
    : runId === undefined && (await byStart(store, names))[0]
  const run = latest ? await readAttempt(store, clock, latest) : undefined
  if (run) return run
  throw unknownRun(store, runId, { begins: found, all: names })
}

/** Reads the latest attempts of some runs; those that were removed are left out. */
export async function readLatest(store: Store, clock: RunClock, runIds: ReadonlySet<string>): Promise<RunSummary[]> {
  const latest = new Map<string, RunName>()
  for (const name of await attemptsIn(store))
    if (runIds.has(name.runId) && name.attempt > (latest.get(name.runId)?.attempt ?? 0)) latest.set(name.runId, name)
  return readAll([...latest.values()], name => readAttempt(store, clock, name))
}

function unknownRun(
  { url }: Store,
  runId: string | undefined,
  { begins, all }: { readonly begins: readonly RunName[]; readonly all: readonly RunName[] },
): PermanentError {
  const ids = (names: readonly RunName[]): string[] => [...new Set(names.map(name => name.runId))]
  const [several, near] = [ids(begins), nearest(runId ?? '', ids(all))]
  const asked = `the id of a run in ${url}, or its first digits`
  const message =
    all.length === 0
      ? `expected a run in ${url}, got an output without any; check --output, or start one with fanmill run`
      : several.length > 1
        ? `expected the first digits of one run in ${url}, got ${runId}, with which ${several.length} begin: ${several.slice(0, 3).join(', ')}; give more digits`
        : `expected ${asked}, got ${runId}${nearestHint(near)}; fanmill runs lists them, with their tasks and parameters`
  return new PermanentError('RUN_UNKNOWN', message, { runId })
}

/** Lists every attempt that has a folder, without reading files; an attempt without run.json was left by an interrupted `clean`. */
export async function attemptsIn(store: Store): Promise<RunName[]> {
  const names = await Array.fromAsync(store.listFolders(`${stateRoot}runs/`, { depth: 2 }), attemptOf)
  return names.filter(name => name !== undefined)
}

/** Sorts attempts by the start in their records, the latest first, those with a damaged record last. */
async function byStart(store: Store, names: readonly RunName[]): Promise<readonly RunName[]> {
  return readAll(names, async name => {
    const record = await readUndamaged(store, runKeys(name).run, readRunRecord)
    return record && { ...name, startedAt: isDamaged(record) ? '' : record.startedAt }
  })
}

/** Reads attempts, the latest start first; those that were removed meanwhile are left out. */
async function readAll<T extends RunName & { readonly startedAt: string }>(
  names: readonly RunName[],
  read: (name: RunName) => Promise<T | undefined>,
): Promise<T[]> {
  const found = await mapParallel(names, read, readsAtOnce)
  return found
    .filter(one => one !== undefined)
    .sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : b.attempt - a.attempt))
}

/** Returns the attempt that a state key belongs to. */
export function attemptOf(key: string): RunName | undefined {
  const [, runId, attempt] = /^\.fanmill\/runs\/([^/]+)\/(\d+)\//.exec(key) ?? []
  return runId === undefined ? undefined : { runId, attempt: Number(attempt) }
}

/** Describes one attempt; undefined when there is none. A damaged file makes it `damaged`, with everything else that is known. */
export async function readAttempt(store: Store, clock: RunClock, name: RunName): Promise<RunSummary | undefined> {
  const summary = await orDamaged(() => readWhole(store, clock, name))
  if (!isDamaged(summary)) return summary
  const record = await readUndamaged(store, runKeys(name).run, readRunRecord)
  return damagedSummary(name, isDamaged(record) ? undefined : record, summary)
}

/** @throws STATE_INVALID */
async function readWhole(store: Store, clock: RunClock, name: RunName): Promise<RunSummary | undefined> {
  const keys = runKeys(name)
  const record = await readState(store, keys.run, readRunRecord)
  if (!record) return undefined
  const { runId, attempt, task, params, outputPath, startedAt } = record
  const { plan, outcomes, failures } = await readStages(store, name)
  const { rows, rowsRead, rowsRejected, members } = totalsOfRun(outcomes)
  const committed = await committedRun(store, name)
  const end = await readState(store, keys.end, readRunEnd)
  const holder = (await readState(store, keys.lease, readLease)) ?? record
  const skipped = joinSkipped([record.skipped, ...outcomes.map(outcome => outcome.skipped)])
  const isRunning = !committed && (await isHeld(clock, holder))
  const endedAt = committed?.finishedAt ?? (isRunning ? undefined : end?.at)
  return {
    ...{ runId, attempt, task, params, output: outputPath, owner: holder.owner, startedAt, failures },
    status: committed ? 'complete' : isRunning ? 'running' : statusOf(end, failures),
    batches: plan.length,
    batchesDone: outcomes.length,
    ...{ rowsWritten: rows, rowsRead, rowsRejected, members },
    skipped,
    endedAt,
    error: committed || isRunning ? undefined : end?.error,
    rejects: outcomes.flatMap(outcome => outcome.rejects),
  }
}

/** Whether a live process works on any attempt. Reads one file of each attempt, or two where there is no lease. */
export async function isAnyLive(store: Store, clock: RunClock): Promise<boolean> {
  let isLive = false
  const look = async (name: RunName) => {
    if (isLive) return
    const keys = runKeys(name)
    const lease = await readUndamaged(store, keys.lease, readLease)
    const holder = lease ?? (await readUndamaged(store, keys.run, readRunRecord))
    if (holder && !isDamaged(holder) && (await isHeld(clock, holder))) isLive = true
  }
  await mapParallel(await attemptsIn(store), look, readsAtOnce)
  return isLive
}

/** Reads the batches of all stages that are planned. */
async function readStages(store: Store, name: RunName) {
  const [plan, outcomes, failures]: [PlanItem[], Outcome[], Failure[]] = [[], [], []]
  for (let stage = 0; ; stage++) {
    const items = await readState(store, runKeys(name, stage).plan, readPlan)
    // A join of which one side is small begins after the stages of the sides.
    if (!items && stage >= joinSides.length) return { plan, outcomes, failures }
    const found = await readOutcomes(store, { ...name, stage }, items ?? [])
    const done = new Set(found.map(outcome => outcome.batch))
    for (const item of items ?? []) plan.push(item)
    for (const outcome of found) outcomes.push(outcome)
    for (const failure of await readFailures(store, { ...name, stage }))
      if (!done.has(failure.batch)) failures.push(failure)
    // The rows of a last stage go to no exchange.
    if (items && items[0]?.buckets === undefined) return { plan, outcomes, failures }
  }
}

function damagedSummary(
  { runId, attempt }: RunName,
  record: RunRecord | undefined,
  { key, message }: DamagedFile,
): RunSummary {
  const { task = '', params = {}, outputPath = '', startedAt = '' } = record ?? {}
  return {
    ...{ runId, attempt, task, params, output: outputPath, startedAt, status: 'damaged' },
    owner: record?.owner ?? { id: '', host: '', startedAt: '' },
    batches: 0,
    batchesDone: 0,
    ...{ rowsWritten: 0, rowsRead: 0, rowsRejected: 0, members: 0 },
    failures: [],
    error: { code: 'STATE_INVALID', message, detail: { key } },
    rejects: [],
  }
}

/** A living owner holds its run whatever the clock says: it may have been set since the last renewal. */
async function isHeld({ now, isAlive }: RunClock, { owner, leaseUntil, isGivenUp }: Lease): Promise<boolean> {
  return !isGivenUp && ((await isAlive(owner)) ?? now() < leaseUntil)
}

/** Reads an attempt's entry in its manifest; undefined until it is committed. */
export async function committedRun(store: Store, name: RunName): Promise<ManifestRun | undefined> {
  const manifest = await readState(store, runKeys(name).manifest, readManifest)
  return manifest?.runs.find(({ runId, attempt }) => runId === name.runId && attempt === name.attempt)
}

function statusOf(end: RunEnd | undefined, failures: readonly Failure[]): 'interrupted' | 'failed' | 'superseded' {
  if (end?.status === 'superseded') return 'superseded'
  return end?.status === 'failed' || (end === undefined && failures.length > 0) ? 'failed' : 'interrupted'
}
