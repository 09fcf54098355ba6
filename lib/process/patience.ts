/** What may pass is tried again, a few times and slower each time. */
import { TransientError } from '../errors/errors.ts'

/** Waits given milliseconds. */
export type Sleep = (ms: number) => Promise<void>

/** Stores retry by themselves; this is for what outlasts that. */
const triesMax = 4
const firstWaitMs = 250

/** Again after each passing fault; a worker that died is not one here, for its work may be what killed it. @throws the last try's error */
export async function patiently<T>(act: () => Promise<T>, sleep: Sleep = () => Promise.resolve()): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (tries === triesMax || !isPassing(error)) throw error
    }
    await sleep(firstWaitMs * 2 ** (tries - 1))
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof TransientError && error.code !== 'ABORTED' && error.code !== 'WORKER_DIED'
