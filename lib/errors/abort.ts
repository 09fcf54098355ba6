/** Converts an aborted signal to an error of Fanmill. */
import { FanmillError, PermanentError, TransientError } from './errors.ts'

/** Returns the error of work whose run was stopped. */
export const runStopped = (): PermanentError => new PermanentError('ABORTED', 'the run was stopped')

/** @throws ABORTED, or the Fanmill error that the signal was aborted with */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  const error = abortError(signal)
  if (error) throw error
}

/** Returns ABORTED, or the Fanmill error that the signal was aborted with; undefined when it was not. */
export function abortError(signal: AbortSignal | undefined): FanmillError | undefined {
  if (!signal?.aborted) return undefined
  if (signal.reason instanceof FanmillError) return signal.reason
  return new TransientError('ABORTED', 'the run was aborted; start it again to resume', {}, { cause: signal.reason })
}
