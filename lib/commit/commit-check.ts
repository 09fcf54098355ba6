/** Checks a run before commit changes anything: outcomes, accounts, rejects, and that the pending parts still exist. */

import { isDefinitionFault } from '../errors/definition-fault.ts'
import { PermanentError } from '../errors/errors.ts'
import { type ExchangedRows, type Failure, type Outcome, pendingOf } from '../model/outcome/outcome.ts'
import type { RunName } from '../model/run/identity.ts'
import { sumFields } from '../model/sum-fields.ts'
import { tooManyPartitions } from '../paths/partition-limits.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { type Actor, mapParallel, readState } from '../state/files.ts'
import { exchangePrefix, outputPrefix, readFailure, readOutcome, runKeys } from '../state/state.ts'
import type { PendingPart, Store } from '../store/store.ts'
import { checkAccounts, checkExchanged, type PlannedBatch } from './accounts.ts'
import type { CommitOptions } from './commit-options.ts'
import { checkRejects } from './rejects-limit.ts'
import { sizesOf } from './roll-parts.ts'
import { type Changes, voidOutcome, voidUnmetRanges } from './void-outcome.ts'

/** Failures listed in an error. */
const shownMax = 10

/** All outcomes in order of batch, or the batches whose outcomes were voided. */
export type Checked =
  | { readonly outcomes: readonly Outcome[] }
  | { readonly missing: readonly number[]; readonly partsLost: boolean }

/** @throws BATCHES_FAILED, ACCOUNT_MISMATCH, REJECTS_OVER_LIMIT, TOO_MANY_PARTITIONS */
export async function checkOutcomes(actor: Actor, claim: Changes, options: CommitOptions): Promise<Checked> {
  const { plan, rejectsMax, stage, earlier = [] } = options
  const reservation = { ...options.reservation, stage }
  const outcomes = await readOutcomes(actor.store, reservation, plan)
  if (outcomes.length < plan.length) {
    const done = new Set(outcomes.map(outcome => outcome.batch))
    const missing = plan.map(item => item.batch).filter(batch => !done.has(batch))
    throw batchesFailed(missing, await readFailures(actor.store, reservation), plan.length)
  }
  checkAccounts(plan, outcomes)
  checkExchanged(earlier, outcomes)
  // Checked before the rejects, because a wrong start of a slice may have caused them.
  const unmet = await voidUnmetRanges(actor, claim, reservation, outcomes)
  if (unmet.length > 0) return { missing: unmet, partsLost: false }
  checkRejects(rejectsMax, [...earlier, ...outcomes])
  checkPartitionCount(outcomes, options)
  const missing = await voidExpired(actor, claim, reservation, outcomes)
  return missing.length > 0 ? { missing, partsLost: true } : { outcomes }
}

/** Counts the partitions of all batches together; each batch alone was within the limit. */
function checkPartitionCount(
  outcomes: readonly Outcome[],
  { partitionBy, partitionsMax = Number.POSITIVE_INFINITY }: CommitOptions,
): void {
  const folders = outcomes.flatMap(({ parts }) => parts.map(({ partition }) => partitionFolder(partition ?? {})))
  const partitions = new Set(folders).size
  const rows = outcomes.reduce((sum, outcome) => sum + outcome.rowsWritten, 0)
  if (partitions > partitionsMax) throw tooManyPartitions({ partitionBy, partitionsMax, partitions, rows })
}

interface StageName extends RunName {
  readonly stage?: number | undefined
}

/** Reads the outcomes that exist, in order of batch; sixteen requests at once. */
export async function readOutcomes(
  store: Store,
  run: StageName,
  plan: readonly Pick<PlannedBatch, 'batch'>[],
): Promise<Outcome[]> {
  const keys = runKeys(run, run.stage)
  const outcomes = await mapParallel(plan, ({ batch }) => readState(store, keys.outcome(batch), readOutcome))
  return outcomes.filter(outcome => outcome !== undefined).sort((a, b) => a.batch - b.batch)
}

/** Reads the last failure of each batch that ever failed, in order of batch. */
export async function readFailures(store: Store, run: StageName): Promise<Failure[]> {
  const found = await Array.fromAsync(store.list(runKeys(run, run.stage).failures))
  const failures = await mapParallel(found, ({ key }) => readUndamaged(store, key, readFailure))
  const last = new Map<number, Failure>()
  // A damaged note must not hide the others.
  for (const failure of failures)
    if (failure && !isDamaged(failure) && failure.try >= (last.get(failure.batch)?.try ?? 0))
      last.set(failure.batch, failure)
  return [...last.values()].sort((a, b) => a.batch - b.batch)
}

async function voidExpired(
  actor: Actor,
  claim: Changes,
  run: StageName & { readonly outputPath: string },
  outcomes: readonly Outcome[],
): Promise<number[]> {
  const lost = outcomes.some(outcome => outcome.exchange)
    ? await lostExchanges(actor.store, run, outcomes)
    : await lostParts(actor.store, run, outcomes)
  for (const outcome of outcomes.filter(({ batch }) => lost.has(batch))) await voidOutcome(actor, claim, run, outcome)
  return [...lost].sort((a, b) => a - b)
}

/** Returns the batches whose exchanged rows are no longer there, or not as they were written. */
async function lostExchanges(store: Store, run: StageName, outcomes: readonly Outcome[]): Promise<Set<number>> {
  const there = await sizesOf(store, `${exchangePrefix(run)}${run.stage ?? 0}/`)
  const isThere = ({ key, files }: ExchangedRows): boolean => {
    if (files.every(({ name }) => name === undefined)) return there.get(key) === sumFields(files, ['bytes']).bytes
    return files.every(({ name, bytes }) => there.get(`${key}/${name}`) === bytes)
  }
  return new Set(outcomes.flatMap(({ batch, exchange }) => (exchange && !isThere(exchange) ? [batch] : [])))
}

async function lostParts(
  store: Store,
  run: { readonly outputPath: string },
  outcomes: readonly Outcome[],
): Promise<Set<number>> {
  const prefix = outputPrefix(run.outputPath)
  const parts = outcomes.flatMap(outcome => pendingOf(outcome, prefix).map(part => ({ part, batch: outcome.batch })))
  // Listed instead of requested one by one: a page of a listing holds a thousand.
  const pending = new Set(await Array.fromAsync(store.listParts(prefix), pendingName))
  return new Set(parts.filter(({ part }) => !pending.has(pendingName(part))).map(({ batch }) => batch))
}

/** Returns a text that tells a listed pending part apart from others with the same key. */
const pendingName = ({ key, token, sizeBytes, uploadId }: PendingPart): string =>
  [key, ...(uploadId === undefined ? [token, sizeBytes] : [uploadId])].join('\0')

function batchesFailed(missing: readonly number[], failures: readonly Failure[], batchCount: number): PermanentError {
  const failed = failures.filter(failure => missing.includes(failure.batch))
  const first = failed[0]
  const why = first
    ? `; batch ${first.batch}: ${first.code} ${first.message}${placeUnlessNamed(first)}`
    : `; batch ${missing[0]} reported no error: its process was killed (out of memory?) or never started (throttled?)`
  const advice = isDefinitionFault(first?.code)
    ? 'correct the task, then run it again'
    : 'run again to process only these'
  const message = `${missing.length} of ${batchCount} batches have no outcome${why}; ${advice}`
  return new PermanentError('BATCHES_FAILED', message, { missing, failures: failed.slice(0, shownMax) })
}

/** Returns the place of a failure for a message that does not name it. */
function placeUnlessNamed({ archive = '', member = '', line, message }: Failure): string {
  const place = [archive, member, line === undefined ? '' : `line ${line}`].filter(Boolean)
  return place.every(each => message.includes(each)) ? '' : ` (${place.join(' ')})`
}
