/** Runs one share on a worker thread, and retries it before it counts as failed. */
import { classOf, FanmillError } from '../../errors/errors.ts'
import type { ShareJob, ShareResult } from '../../model/share.ts'
import type { Workers } from '../../model/worker-job.ts'
import { unpackMembers } from '../../zip/member-rows.ts'
import type { Gate } from './gate.ts'
import type { Pace } from './pace.ts'
import { retryTransient, type Sleep } from './retry-transient.ts'
import { BothCopiesFailed, runWithCopy } from './second-copy.ts'

export interface ShareRunner {
  readonly workers: Workers
  /** Shared by all shares in this process; default a share does not wait for others before it runs alone. */
  readonly gate?: Gate
  /** Waits before a job is repeated after a transient error; default no job is repeated. */
  readonly sleep?: Sleep
  /** Finds shares that take far longer than others, which get a second copy on an idle thread; default there are no copies. */
  readonly pace?: Pace | undefined
  /** Removes a part file that is no longer needed; default files stay until their folder is removed. */
  removeFile?(file: string): Promise<void>
  /** Removes all files of a share that failed, whose paths begin with its target; default as `removeFile`. */
  removeTarget?(target: string): Promise<void>
  /** Logs a warning about a share. */
  warn?(message: string): void
}

/**
 * Retries after a transient error. A share that was too large for the memory, or whose thread died, is repeated slice by slice while no
 * other share runs in this process, so that it has all memory and the failing slice is known. So is a share with two copies that both
 * failed for want of memory or disk, because one copy may have enough.
 * @throws OUT_OF_MEMORY, WORKER_DIED with batch and slice; whatever the share throws
 */
export async function runShare(job: ShareJob, batch: number, runner: ShareRunner): Promise<ShareResult[]> {
  const { workers, gate = openGate, sleep, pace, warn } = runner
  const discard = (result: ShareResult): Promise<void> => removeResult(result, runner)
  try {
    // One turn for both copies: exclusive work waits for them, and a second copy that waited for it would never begin.
    const run = () => gate.shared(() => runWithCopy(job, { workers, batch, pace, hold: gate.hold, warn, discard }))
    return [await retryTransient(run, sleep)]
  } catch (error) {
    const wereTwo = error instanceof BothCopiesFailed
    if (!wereTwo && !isTooMuch(error)) throw error
    return gate.exclusive(async () => {
      if (wereTwo) await runner.removeTarget?.(job.target)
      return sliceBySlice(job, batch, workers)
    })
  }
}

/** Removes all files of a result that is not needed. */
export async function removeResult(
  { parts, rejectFiles, accountFiles }: ShareResult,
  { removeFile }: Pick<ShareRunner, 'removeFile'>,
): Promise<void> {
  for (const file of [...parts.map(part => part.file), ...rejectFiles, ...accountFiles]) await removeFile?.(file)
}

const openGate: Gate = { shared: work => work(), exclusive: work => work(), hold() {} }

const isTooMuch = (error: unknown): boolean =>
  error instanceof FanmillError && ['OUT_OF_MEMORY', 'BUCKET_TOO_LARGE', 'WORKER_DIED'].includes(error.code)

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

/** Names the members that were read together, for a message. */
function membersText(names: readonly string[]): string {
  if (names.length < 2) return names.length === 0 ? '' : `, member ${names[0]}`
  return `, one of the ${names.length} members from ${names[0]} to ${names.at(-1)}`
}

function placed(error: FanmillError, job: ShareJob, batch: number): FanmillError {
  const [only] = job.slices
  const slice = job.staged?.slice ?? only?.slice
  const archive = only && job.inputs[only.input]?.key
  const names = only?.kind === 'members' ? unpackMembers(only).map(({ name }) => name) : []
  const member = names.length === 1 ? names[0] : undefined
  const message = `${error.message} (batch ${batch}, slice ${slice}${archive ? ` of ${archive}` : ''}${membersText(names)}, processed alone)`
  const detail = { ...error.detail, batch, slice, ...(archive && { archive }), ...(member && { member }) }
  return new (classOf(error))(error.code, message, detail, { cause: error })
}
