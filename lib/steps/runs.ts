/** What ran, as its state says: no engine, no data, no clock but the caller's. */
import { PermanentError } from '../core/errors.ts'
import type { ManifestRun } from '../core/manifest.ts'
import { nearest } from '../core/nearest.ts'
import { type Failure, type Outcome, totalsOf } from '../core/outcome.ts'
import {
  type Lease,
  type RunEnd,
  type RunRecord,
  readLease,
  readManifest,
  readPlan,
  readRunEnd,
  readRunRecord,
  runKeys,
  stateRoot,
} from '../core/state.ts'
import type { Store } from '../core/store.ts'
import type { ParamValues } from '../define/definition.ts'
import { readFailures, readOutcomes } from './commit-check.ts'
import { isLive } from './head.ts'
import { type Actor, forEachParallel, readState } from './state-files.ts'

/** One attempt of a run. */
export interface RunSummary {
  readonly runId: string
  readonly attempt: number
  readonly task: string
  readonly params: ParamValues
  /** `complete` says that it was committed, not that it was not replaced since. */
  readonly status: 'running' | 'interrupted' | 'failed' | 'complete'
  /** Path of the dataset below the output root. */
  readonly output: string
  /** 0 while it is being planned. */
  readonly batches: number
  readonly batchesDone: number
  readonly rows: number
  readonly rowsRead: number
  readonly rowsRejected: number
  readonly members: number
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string
  /** Of batches that have no outcome yet, the last of each. */
  readonly failures: readonly Failure[]
  /** Why it failed as a whole. */
  readonly error?: NonNullable<RunEnd['error']>
  /** Keys of the rejected rows, Parquet, in order of batch. */
  readonly rejects: readonly string[]
}

type Clock = Pick<Actor, 'now' | 'isAlive'>

/** Every attempt, the latest start first. Lists all state, and reads some files of each attempt. */
export async function listRuns(store: Store, clock: Clock): Promise<RunSummary[]> {
  const names: RunName[] = []
  for await (const { key } of store.list(`${stateRoot}runs/`)) {
    const name = attemptOf(key)
    if (name && key.endsWith('/run.json')) names.push(name)
  }
  const runs: RunSummary[] = []
  await forEachParallel(names, async name => {
    const run = await summaryOf(store, clock, name)
    if (run) runs.push(run)
  })
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : b.attempt - a.attempt))
}

/**
 * The latest attempt of a run, which may be named by its first digits; without a name the latest of all.
 * @throws RUN_UNKNOWN
 */
export async function readRun(store: Store, clock: Clock, runId?: string): Promise<RunSummary> {
  const runs = await listRuns(store, clock)
  const found = runs.filter(run => runId === undefined || run.runId.startsWith(runId))
  const latest = found[0]
  const same = found.filter(run => run.runId === latest?.runId)
  if (latest && (runId === undefined || same.length === found.length)) {
    return runId === undefined ? latest : same.reduce((a, b) => (a.attempt > b.attempt ? a : b))
  }
  const near = nearest(runId ?? '', [...new Set(runs.map(run => run.runId))])
  const what = latest ? `several runs begin with ${runId}` : runId ? `no run ${runId}` : 'no runs'
  const hint = near.length > 0 ? `; the nearest: ${near.join(', ')}` : ''
  throw new PermanentError('RUN_UNKNOWN', `${what} in ${store.url}${hint}; fanmill runs lists them`, { runId })
}

/** Run and attempt of a state key. */
export function attemptOf(key: string): RunName | undefined {
  const [, runId, attempt] = /^\.fanmill\/runs\/([^/]+)\/(\d+)\//.exec(key) ?? []
  return runId === undefined ? undefined : { runId, attempt: Number(attempt) }
}

export interface RunName {
  readonly runId: string
  readonly attempt: number
}

/** Who holds an attempt now. */
export async function holderOf(store: Store, record: RunRecord): Promise<Lease> {
  return (await readState(store, runKeys(record.runId, record.attempt).lease, readLease)) ?? record
}

async function summaryOf(store: Store, clock: Clock, name: RunName): Promise<RunSummary | undefined> {
  const keys = runKeys(name.runId, name.attempt)
  const record = await readState(store, keys.run, readRunRecord)
  if (!record) return undefined
  const { runId, attempt, task, params, outputPath, startedAt } = record
  const plan = (await readState(store, keys.plan, readPlan)) ?? []
  const outcomes = await readOutcomes(store, name, plan)
  const done = new Set(outcomes.map(outcome => outcome.batch))
  const failures = (await readFailures(store, name)).filter(failure => !done.has(failure.batch))
  const committed = await committedRun(store, name)
  const end = await readState(store, keys.end, readRunEnd)
  const isRunning = !committed && isLive(clock, await holderOf(store, record))
  const endedAt = committed?.finishedAt ?? (isRunning ? undefined : end?.at)
  return {
    ...{ runId, attempt, task, params, output: outputPath, startedAt, failures },
    status: committed ? 'complete' : isRunning ? 'running' : statusOf(end, failures),
    batches: plan.length,
    batchesDone: outcomes.length,
    ...countsOf(outcomes),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(end?.error && !committed && !isRunning ? { error: end.error } : {}),
    rejects: outcomes.flatMap(outcome => outcome.rejects),
  }
}

async function committedRun(store: Store, { runId, attempt }: RunName): Promise<ManifestRun | undefined> {
  const manifest = await readState(store, runKeys(runId, attempt).manifest, readManifest)
  return manifest?.runs.find(run => run.runId === runId && run.attempt === attempt)
}

function statusOf(end: RunEnd | undefined, failures: readonly Failure[]): 'interrupted' | 'failed' {
  return end?.status === 'failed' || (end === undefined && failures.length > 0) ? 'failed' : 'interrupted'
}

function countsOf(outcomes: readonly Outcome[]): Pick<RunSummary, 'rows' | 'rowsRead' | 'rowsRejected' | 'members'> {
  const { rows, rowsRead, rowsRejected, members } = totalsOf(outcomes)
  return { rows, rowsRead, rowsRejected, members }
}
