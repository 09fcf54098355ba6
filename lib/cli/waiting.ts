/** Handles Ctrl-C while a deployed run is waited for: only the waiting ends. */
import { TransientError } from '../errors/errors.ts'
import { exitCodes } from './view/failure.ts'

export interface WaitResult<Result> {
  /** Result; undefined when the waiting was interrupted. */
  readonly result?: Result
  /** Reason why there is no result. */
  readonly stopped?: TransientError
}

/** Runs `wait` with a signal that aborts on SIGINT or SIGTERM, which sets the exit code; another one ends the process. */
export async function whileWaiting<Result>(
  wait: (signal: AbortSignal) => Promise<Result>,
): Promise<WaitResult<Result>> {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => controller.abort(new TransientError('ABORTED', `interrupted by ${name}`))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    return { result: await wait(controller.signal) }
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    process.exitCode = exitCodes.interrupted
    return { stopped: controller.signal.reason }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
