/** Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once. */
import { TransientError } from '../errors/errors.ts'
import { remark } from './output.ts'

/** Promise to whoever stops the process: it is over after this long, orderly or not. */
const orderlySecondsMax = 5
/** npm forwards a Ctrl-C that the terminal has sent to the whole group already: what follows so soon is the same one. */
const sameSignalMs = 400

/** Runs `work` with a signal that aborts on SIGINT or SIGTERM. */
export async function withInterrupt<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  let firstAt: number | undefined
  const interrupt = (name: NodeJS.Signals) => {
    if (firstAt !== undefined && performance.now() - firstAt < sameSignalMs) return
    if (firstAt !== undefined) return endAtOnce()
    firstAt = performance.now()
    // The terminal shows ^C, or a bar, on this line.
    if (process.stderr.isTTY) remark('')
    remark('fanmill: interrupted, ending in order; once more ends at once')
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
  // Only reached where the kernel ignores the signal: in the first process of a container.
  process.exit(130)
}
