/**
 * Keeps a worker thread alive when the user's code calls process.exit or leaves an exception uncaught, because a thread that ends in a
 * query aborts the whole process. The job fails with an error instead.
 */
import { PermanentError, TransientError } from '../../errors/errors.ts'

export interface ThreadSurvival {
  /** Returns and forgets the first uncaught exception since the last call, such as one thrown in a timer. */
  takeUncaught(): TransientError | undefined
}

/** Replaces `process.exit` and handles uncaught exceptions, in this thread only. */
export function surviveUserCode(): ThreadSurvival {
  let uncaught: TransientError | undefined
  process.exit = refuseExit
  process.on('uncaughtException', (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    uncaught ??= new TransientError('WORKER_DIED', `uncaught exception in your code: ${message}`, {}, { cause: error })
  })
  return {
    takeUncaught() {
      const error = uncaught
      uncaught = undefined
      return error
    },
  }
}

function refuseExit(code?: string | number | null): never {
  throw new PermanentError('WORKER_DIED', `process.exit(${code ?? ''}) was called in your code; throw an error instead`)
}
