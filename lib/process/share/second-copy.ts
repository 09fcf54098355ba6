/**
 * Gives a share that takes far longer than its bytes let expect a second copy, on a thread that has nothing else to do. The first copy to
 * succeed decides; the other is ended, and what it wrote is removed. Both read the same slices, and each writes files of its own, so that
 * it does not matter which one wins.
 */
import { CapacityError, FanmillError, PermanentError, prefixError } from '../../errors/errors.ts'
import { hasCode } from '../../errors/expected.ts'
import { areRepeatable, weightOf } from '../../inputs/slices/plan-slices.ts'
import type { ShareJob, ShareResult } from '../../model/share.ts'
import type { JobControl, Workers } from '../../model/worker-job.ts'
import { createCopyMessages } from './copy-messages.ts'
import type { Pace } from './pace.ts'

export interface CopyTools {
  readonly workers: Workers
  readonly batch: number
  /** Absent where no share gets a second copy: on AWS, where a batch is timed out, and for work that must not be repeated. */
  readonly pace?: Pace | undefined
  /** Is called with the end of a copy that lost, before the result of the other is returned. */
  hold(rest: Promise<unknown>): void
  /** Removes the files of a copy that lost. */
  discard(result: ShareResult): Promise<void>
  /** Logs a warning. */
  warn?(message: string): void
}

/** Hides that two copies of a share failed for want of memory or disk, of which each may have taken what the other needed. */
export class BothCopiesFailed extends Error {
  constructor(cause: CapacityError) {
    super(`both copies of a share failed: ${cause.message}`, { cause })
  }
}

/**
 * Returns the result of the copy that ends first.
 * @throws BothCopiesFailed; else the error of the first copy, when neither succeeds; that of the second, when the first was stopped
 */
export async function runWithCopy(job: ShareJob, tools: CopyTools): Promise<ShareResult> {
  const { pace, workers, batch, warn } = tools
  // Pieces of a stream are removed when their share is done, which a copy would still read.
  if (!pace || job.staged || workers.idle === undefined || !areRepeatable(job.slices)) return workers.run<'share'>(job)
  const bytes = job.slices.reduce((sum, slice) => sum + weightOf(slice), 0)
  const messages = createCopyMessages()
  const of = `copy of ${slicesText(job)} of batch ${batch}`
  const copy = { pace, workers, warn }
  const first = beginCopy(job, messages(), { ...copy, name: `the first ${of}` })
  if (!(await isStraggler(first, bytes, copy))) {
    const result = await first.result
    pace.add(bytes, first.elapsedMs())
    return result
  }
  const seconds = Math.round(first.elapsedMs() / 1000)
  warn?.(`a second ${of} begins, because the first has not ended after ${seconds} s, far longer than others took`)
  const second = beginCopy({ ...job, target: `${job.target}-copy` }, messages(), { ...copy, name: `the second ${of}` })
  for (const each of [first, second]) each.warnOfFailure()
  const winner = await firstToEnd(first, second)
  const loser = winner === first ? second : first
  tools.hold(loser.result.then(tools.discard).catch(() => undefined))
  loser.end()
  return winner.result.catch(error => {
    throw hasCode(error, 'ABORTED') ? (second.faultWhenStopped() ?? error) : error
  })
}

function slicesText({ slices }: ShareJob): string {
  const numbers = slices.map(({ slice }) => slice)
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  return least === most ? `slice ${least}` : `slices ${least} to ${most}`
}

interface Copy {
  readonly result: Promise<ShareResult>
  /** Milliseconds since a thread began with it; 0 while it waits for one. */
  elapsedMs(): number
  /** Logs from now on why it fails. */
  warnOfFailure(): void
  /** Returns why it has failed by itself, for a run that was stopped because the other copy did not end. */
  faultWhenStopped(): FanmillError | undefined
  /** Ends it, because its result is not needed; its messages are dropped from now on. */
  end(): void
}

type Handler = NonNullable<JobControl['onMessage']>

interface BeginTools extends Pick<CopyTools, 'workers' | 'warn'> {
  readonly pace: Pace
  readonly name: string
}

function beginCopy(job: ShareJob, onMessage: Handler, { workers, pace, name, warn }: BeginTools): Copy {
  const ending = new AbortController()
  let begunMs: number | undefined
  let fault: FanmillError | undefined
  const control: JobControl = {
    signal: ending.signal,
    onMessage(message, forward) {
      begunMs ??= pace.now()
      // An empty `underWay` message ends what is under way, and is passed on.
      if (!ending.signal.aborted || message.kind === 'underWay') onMessage(message, forward)
    },
    onGivenUp: () => warn?.(`${name} does not end although it is not needed, so that its thread is given up`),
  }
  const result = workers.run<'share'>(job, control)
  const failure = result.catch((error: unknown) => {
    if (!ending.signal.aborted && error instanceof FanmillError && error.code !== 'ABORTED') fault = error
  })
  const faultText = ({ code, message }: FanmillError): string => `${name} failed with ${code}: ${message}`
  return {
    result,
    elapsedMs: () => (begunMs === undefined ? 0 : pace.now() - begunMs),
    warnOfFailure: () => void failure.then(() => fault && warn?.(faultText(fault))),
    faultWhenStopped: () =>
      fault && prefixError(fault, `${name}, when the first was stopped`, { copyFault: faultText(fault) }),
    end: () => ending.abort(),
  }
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
  return Promise.any([failed, succeeded(second)]).catch(({ errors: [error, other] }: AggregateError) => {
    if (error instanceof CapacityError && other instanceof CapacityError) throw new BothCopiesFailed(error)
    return first
  })
}

/** Whether the other copy would fail in the same way. */
const isFinal = (error: unknown): boolean => error instanceof PermanentError && error.code !== 'WORKER_DIED'
