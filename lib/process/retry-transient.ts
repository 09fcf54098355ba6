/** Retries work that fails with a transient error, a few times and with growing waits. */
import { TransientError } from '../errors/errors.ts'

/** Waits for some milliseconds. */
export type Sleep = (ms: number) => Promise<void>

/** Stores retry by themselves; these tries are for faults that outlast that. */
const triesMax = 4
const firstWaitMs = 250

/** Repeats `act` after each transient error, except when a worker died: the work may be what killed it. @throws the last error */
export async function retryTransient<T>(act: () => Promise<T>, sleep: Sleep = () => Promise.resolve()): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (tries === triesMax || !isTransient(error)) throw error
    }
    await sleep(firstWaitMs * 2 ** (tries - 1))
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof TransientError && error.code !== 'ABORTED' && error.code !== 'WORKER_DIED'
