/** Handles Ctrl-C while a deployed run is waited for: only the waiting ends. */
import { TransientError } from '../errors/errors.ts'
import { exitCodes } from './view/failure.ts'

/**
 * Runs `wait` with a signal that aborts on SIGINT or SIGTERM, which sets the exit code; another one ends the process. Returns the result, or
 * in `stopped` the reason why there is none.
 */
export async function whileWaiting<Result>(wait: (signal: AbortSignal) => Promise<Result>) {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => controller.abort(new TransientError('ABORTED', `interrupted by ${name}`))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    return { result: await wait(controller.signal) }
  } catch (error) {
    if (error !== controller.signal.reason) throw error
    process.exitCode = exitCodes.interrupted
    return { stopped: controller.signal.reason as unknown }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
