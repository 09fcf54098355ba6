/** Stops the work of an invocation shortly before its timeout. */
import { CapacityError } from '../errors/errors.ts'

/** The part of Lambda's context that the functions use. */
export interface LambdaContext {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
}

export interface Deadline {
  /** Aborted, with OUT_OF_TIME, when only the margin is left. */
  readonly signal: AbortSignal
  /** Milliseconds until the margin begins; negative in it. */
  leftMs(): number
  /** Milliseconds until the platform ends the process. */
  remainingMs(): number
  close(): void
}

/** Time to stop the work, to write down a failure, and to answer. */
const marginMsMax = 15_000
/** Largest fraction of a short timeout that the margin takes. */
const marginShare = 0.2

/** Starts the deadline of an invocation. */
export function openDeadline({ getRemainingTimeInMillis }: Pick<LambdaContext, 'getRemainingTimeInMillis'>): Deadline {
  const aborting = new AbortController()
  const wholeMs = getRemainingTimeInMillis()
  const marginMs = Math.min(marginMsMax, wholeMs * marginShare)
  const end = (): void => {
    const message = `expected the work to end within the ${Math.round(wholeMs / 1000)} seconds of the function, but it did not; give tiers with more memory for each thread, or a longer functionTimeout`
    aborting.abort(new CapacityError('OUT_OF_TIME', message, { seconds: Math.round(wholeMs / 1000) }))
  }
  const timer = setTimeout(end, Math.max(0, wholeMs - marginMs)).unref()
  return {
    signal: aborting.signal,
    leftMs: () => getRemainingTimeInMillis() - marginMs,
    remainingMs: getRemainingTimeInMillis,
    close: () => clearTimeout(timer),
  }
}
