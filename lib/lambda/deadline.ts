/** The end of an invocation, seen before it comes. */
import { CapacityError } from '../errors/errors.ts'

/** What a function needs of Lambda's context. */
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

/** For what remains to be done then: settle what runs, note a failure, answer. */
const marginMsMax = 15_000
/** Of a short time limit the margin takes no more than this share. */
const marginShare = 0.2

/** @param context of the invocation that begins */
export function openDeadline({ getRemainingTimeInMillis }: Pick<LambdaContext, 'getRemainingTimeInMillis'>): Deadline {
  const aborting = new AbortController()
  const wholeMs = getRemainingTimeInMillis()
  const marginMs = Math.min(marginMsMax, wholeMs * marginShare)
  const end = (): void => {
    const message = `the work did not end in the ${Math.round(wholeMs / 1000)} seconds of the function; more memory a thread is faster`
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
