/** Ends a process whose threads cannot be stopped: an ordinary exit would wait for them. */
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { CapacityError } from '../../errors/errors.ts'
import { lostJobs } from './lost-jobs.ts'
import { megabytes } from './machine-memory.ts'

let watchesExit = false
let uncaught: { readonly error: unknown } | undefined

/** Ends the process at its exit if threads are lost then. To be called after folders were made that are removed at the exit. */
export function watchExit(): void {
  // Without `execve` the exit code matters more than how the threads end.
  if (!isMainThread || watchesExit || !process.execve) return
  watchesExit = true
  process.once('exit', endIfThreadsAreLost)
  process.on('uncaughtExceptionMonitor', error => {
    const isCaught = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()
    if (!isCaught) uncaught = { error }
  })
}

/** Records an abandoned job until its thread ends it. A program that ends meanwhile does not wait for the thread. */
export function recordLoss(job: object, ended: Promise<unknown>): void {
  watchExit()
  lostJobs.add(job)
  const forget = (): void => void lostJobs.delete(job)
  ended.then(forget, forget)
}

/** Whether an abandoned job is still running. */
export const isAnyLost = (): boolean => lostJobs.size > 0

/** @throws OUT_OF_MEMORY when abandoned jobs leave less memory than the limit allows for new work */
export function refuseAfterLoss(bytesMax: number): void {
  const bytes = process.memoryUsage.rss()
  if (lostJobs.size === 0 || bytes <= bytesMax) return
  const message = `expected the process to use at most ${megabytes(bytesMax)} MB before new work begins, got ${megabytes(bytes)} MB, because a function of an earlier run never returned and keeps its memory; run again in a new process, or raise --memory`
  throw new CapacityError('OUT_OF_MEMORY', message, { bytes, bytesMax })
}

/** Ends this process at once with its exit code when an abandoned job is still running; else returns. */
export function endIfThreadsAreLost(code = Number(process.exitCode ?? 1)): void {
  if (lostJobs.size === 0) return
  // Node prints it only after the exit.
  if (uncaught) writeSync(2, `${inspect(uncaught.error)}\n\nNode.js ${process.version}\n`)
  // Replaces the program of this process, which ends all threads and frees their memory, and keeps the exit code.
  const { NODE_OPTIONS: _, ...env } = process.env as Record<string, string>
  process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], env)
  process.kill(process.pid, 'SIGKILL')
}
