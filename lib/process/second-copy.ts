/**
 * Gives a share that takes far longer than its bytes let expect a second copy, on a thread that has nothing else to do. The first copy to
 * succeed decides; the other is ended, and what it wrote is removed. Both read the same slices, and each writes files of its own, so that
 * it does not matter which one wins.
 */
import { PermanentError } from '../errors/errors.ts'
import { areRepeatable, weightOf } from '../inputs/plan-slices.ts'
import type { ShareJob, ShareResult } from '../model/share.ts'
import type { JobControl, Workers } from '../model/worker-job.ts'
import { createCopyMessages } from './copy-messages.ts'
import type { Pace } from './pace.ts'

export interface CopyTools {
  readonly workers: Workers
  /** Absent where no share gets a second copy: on AWS, where a batch is timed out, and for work that must not be repeated. */
  readonly pace?: Pace | undefined
  /** Runs a job when it may run beside others. */
  shared<T>(work: () => Promise<T>): Promise<T>
  /** Removes the files of a copy that lost. */
  discard(result: ShareResult): Promise<void>
}

/** Returns the result of the copy that ends first. @throws the error of the first copy, when neither succeeds */
export async function runWithCopy(job: ShareJob, tools: CopyTools): Promise<ShareResult> {
  const { pace, workers } = tools
  // Pieces of a stream are removed when their share is done, which a copy would still read.
  if (!pace || job.staged || workers.idle === undefined || !areRepeatable(job.slices))
    return tools.shared(() => workers.run<'share'>(job))
  const bytes = job.slices.reduce((sum, slice) => sum + weightOf(slice), 0)
  const messages = createCopyMessages()
  const copy = { ...tools, pace }
  const first = beginCopy(job, messages(), copy)
  if (!(await isStraggler(first, bytes, { pace, workers }))) {
    const result = await first.result
    pace.add(bytes, first.elapsedMs())
    return result
  }
  const second = beginCopy({ ...job, target: `${job.target}-copy` }, messages(), copy)
  const winner = await firstToEnd(first, second)
  const loser = winner === first ? second : first
  void loser.result.then(tools.discard).catch(() => undefined)
  loser.end()
  return winner.result
}

interface Copy {
  readonly result: Promise<ShareResult>
  /** Milliseconds since a thread began with it; 0 while it waits for one. */
  elapsedMs(): number
  /** Ends it, because its result is not needed; its messages are dropped from now on. */
  end(): void
}

type Handler = NonNullable<JobControl['onMessage']>

function beginCopy(job: ShareJob, onMessage: Handler, tools: CopyTools & { readonly pace: Pace }): Copy {
  const { workers, shared, pace } = tools
  const ending = new AbortController()
  let begunMs: number | undefined
  const control: JobControl = {
    signal: ending.signal,
    onMessage(message, forward) {
      begunMs ??= pace.now()
      // An empty `underWay` message ends what is under way, and is passed on.
      if (!ending.signal.aborted || message.kind === 'underWay') onMessage(message, forward)
    },
  }
  const result = shared(() => workers.run<'share'>(job, control))
  // Whoever waits for the result sees the error.
  result.catch(() => undefined)
  const elapsedMs = (): number => (begunMs === undefined ? 0 : pace.now() - begunMs)
  return { result, elapsedMs, end: () => ending.abort() }
}

/** Interval at which a running share is compared with the others. */
const lookMs = 250

/** Waits until the share has ended, or is far slower than the others while a thread is idle; returns whether it is slow. */
function isStraggler(
  { result, elapsedMs }: Copy,
  bytes: number,
  { pace, workers }: { readonly pace: Pace; readonly workers: Workers },
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setInterval(() => {
    const slowMs = pace.slowMs(bytes)
    if (slowMs !== undefined && elapsedMs() > slowMs && (workers.idle ?? 0) > 0) resolve(true)
  }, lookMs).unref()
  result.then(
    () => resolve(false),
    () => resolve(false),
  )
  return promise.finally(() => clearInterval(timer))
}

/** Returns the copy whose result counts: the first that succeeds, or the first copy when both fail or when it fails for good. */
async function firstToEnd(first: Copy, second: Copy): Promise<Copy> {
  const succeeded = (copy: Copy): Promise<Copy> => copy.result.then(() => copy)
  const failed = first.result.then(
    () => first,
    error => (isFinal(error) ? first : Promise.reject(error)),
  )
  return Promise.any([failed, succeeded(second)]).catch(() => first)
}

/** Whether the other copy would fail in the same way. */
const isFinal = (error: unknown): boolean => error instanceof PermanentError && error.code !== 'WORKER_DIED'
