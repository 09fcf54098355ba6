/** Converts an aborted signal to an error of Fanmill. */
import { FanmillError, TransientError } from './errors.ts'

/** @throws ABORTED, or the Fanmill error that the signal was aborted with */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  if (signal.reason instanceof FanmillError) throw signal.reason
  throw new TransientError('ABORTED', 'the run was aborted; start it again to resume', {}, { cause: signal.reason })
}
