/** Handles Ctrl-C and SIGTERM: the first one ends the work in order, the second one ends the process at once. */
import { TransientError } from '../errors/errors.ts'
import { printToStderr } from './output.ts'

/** Limit on an orderly end, after which the process ends at once: threads have three seconds to return, and programs of tasks five. */
const orderlySecondsMax = 10
/** A signal that follows within this time is the same Ctrl-C: npm forwards it, although the terminal has sent it to every process. */
const sameSignalMs = 400

/** Runs `work` with a signal that aborts on SIGINT or SIGTERM. */
export async function withInterrupt<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  let firstAt: number | undefined
  const interrupt = (name: NodeJS.Signals) => {
    if (firstAt !== undefined && performance.now() - firstAt < sameSignalMs) return
    if (firstAt !== undefined) return endAtOnce()
    firstAt = performance.now()
    // Leaves the line on which the terminal shows ^C or a bar.
    if (process.stderr.isTTY) printToStderr('')
    printToStderr('fanmill: interrupted, ending in order; press Ctrl-C again to end at once')
    setTimeout(endAtOnce, orderlySecondsMax * 1000).unref()
    controller.abort(new TransientError('ABORTED', `interrupted by ${name}`))
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** Deliberately a signal, because an exit would wait for workers that are in a query; a shell reads it as 130 too. */
function endAtOnce(): never {
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
  // Reached only when the kernel ignores the signal: in the first process of a container.
  process.exit(130)
}
