/** Repeats a job after a transient error of what no store retries by itself: the user's source, or a disk. */
import { TransientError } from '../../errors/errors.ts'
import { outageMs } from '../../store/outage.ts'

/** Waits for some milliseconds before a job that failed is repeated. */
export type Sleep = (ms: number, error: TransientError) => Promise<void>

const firstWaitMs = 250
const waitMsMax = 15_000

/**
 * Repeats `act` after each transient error, with growing waits as long as an outage may last. Without `sleep` nothing is repeated: the
 * state machine does that for functions. @throws the last error
 */
export async function retryTransient<T>(act: () => Promise<T>, sleep: Sleep | undefined): Promise<T> {
  for (let waitMs = firstWaitMs, waitedMs = 0; ; waitMs = Math.min(waitMsMax, waitMs * 2)) {
    try {
      return await act()
    } catch (error) {
      waitedMs += waitMs
      if (!sleep || waitedMs > outageMs || !isRepeated(error)) throw error
      await sleep(waitMs, error)
    }
  }
}

/** A store says how often it tried already; a worker that died may have been killed by the job. */
const isRepeated = (error: unknown): error is TransientError =>
  error instanceof TransientError &&
  error.code !== 'ABORTED' &&
  error.code !== 'WORKER_DIED' &&
  error.detail.tries === undefined
