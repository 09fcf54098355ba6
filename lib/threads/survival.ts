/**
 * Keeps a worker thread alive whatever the user's code does: ending it during a query would abort the whole process. What would have
 * ended it becomes the error of its job.
 */
import { PermanentError, TransientError } from '../errors/errors.ts'

export interface ThreadSurvival {
  /** An error that was thrown outside of any job's call since the last time, such as in a timer. */
  takeStray(): TransientError | undefined
}

/** Takes `process.exit` and uncaught exceptions over, in this thread alone. */
export function surviveUserCode(): ThreadSurvival {
  let stray: TransientError | undefined
  process.exit = refuseExit
  process.on('uncaughtException', (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    stray ??= new TransientError(
      'WORKER_DIED',
      `an error that nobody caught, which would end its thread: ${message}`,
      {},
      { cause: error },
    )
  })
  return {
    takeStray() {
      const taken = stray
      stray = undefined
      return taken
    },
  }
}

function refuseExit(code?: string | number | null): never {
  throw new PermanentError(
    'WORKER_DIED',
    `process.exit(${code ?? ''}) was called, which would end its thread; throw an error instead`,
  )
}
