/** One share on a worker thread, and what is tried before it counts as failed. */
import { CapacityError, FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import type { Slice } from '../model/plan-data.ts'
import type { ShareJob, ShareResult } from '../model/share.ts'
import type { Workers } from '../model/worker-job.ts'
import { unpackMembers } from '../zip/member-rows.ts'
import type { Gate } from './gate.ts'
import { retryTransient, type Sleep } from './retry-transient.ts'

export interface ShareRunner {
  readonly workers: Workers
  /** Of all shares in this process; default each may run alone whatever the others do. */
  readonly gate?: Gate
  /** Between tries; default none. */
  readonly sleep?: Sleep
}

/**
 * A passing fault is tried again. A share that was too large for the memory, or whose thread died, is done again slice by slice,
 * while no other share runs in this process: then there is all the memory that there is, and the slice that fails is known.
 * @throws OUT_OF_MEMORY, WORKER_DIED with batch and slice; what the share throws
 */
export async function runShare(
  job: ShareJob,
  batch: number,
  { workers, gate = openGate, sleep }: ShareRunner,
): Promise<ShareResult[]> {
  try {
    return [await retryTransient(() => gate.shared(() => workers.run<'share'>(job)), sleep)]
  } catch (error) {
    if (!isTooMuch(error)) throw error
    return gate.exclusive(() => sliceBySlice(job, batch, workers))
  }
}

const openGate: Gate = { shared: work => work(), exclusive: work => work() }

const isTooMuch = (error: unknown): boolean =>
  error instanceof FanmillError && (error.code === 'OUT_OF_MEMORY' || error.code === 'WORKER_DIED')

async function sliceBySlice(job: ShareJob, batch: number, workers: Workers): Promise<ShareResult[]> {
  const results: ShareResult[] = []
  const jobs = job.staged ? [job] : job.slices.map(slice => ({ ...job, slices: [slice] }))
  for (const [index, one] of jobs.entries()) {
    try {
      results.push(await workers.run<'share'>({ ...one, target: `${job.target}-alone${index}` }))
    } catch (error) {
      throw isTooMuch(error) ? placed(error as FanmillError, one, batch) : error
    }
  }
  return results
}

/** The members that were read together, as a message names them. */
function membersText(slice: Slice | undefined): string {
  const names = slice?.kind === 'members' ? unpackMembers(slice).map(({ name }) => name) : []
  if (names.length < 2) return names.length === 0 ? '' : `, member ${names[0]}`
  return `, one of the ${names.length} members from ${names[0]} to ${names.at(-1)}`
}

/** The error with the slice that it happened in. */
function placed(error: FanmillError, job: ShareJob, batch: number): FanmillError {
  const [only] = job.slices
  const slice = job.staged?.slice ?? only?.slice
  const archive = only && job.inputs[only.input]?.key
  const member = only?.kind === 'members' && only.memberCount === 1 ? unpackMembers(only)[0]?.name : undefined
  const message = `${error.message} (batch ${batch}, slice ${slice}${archive ? ` of ${archive}` : ''}${membersText(only)}, done alone)`
  const detail = { ...error.detail, batch, slice, ...(archive && { archive }), ...(member && { member }) }
  const Kind =
    error instanceof CapacityError ? CapacityError : error instanceof TransientError ? TransientError : PermanentError
  return new Kind(error.code, message, detail, { cause: error })
}
