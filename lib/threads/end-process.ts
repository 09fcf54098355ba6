/** Ends a process whose threads cannot be stopped: an ordinary exit would wait for them. */
import { CapacityError } from '../errors/errors.ts'
import { lostJobs } from './lost-jobs.ts'
import { megabytes } from './machine-memory.ts'

/** Records an abandoned job until its thread ends it. */
export function recordLoss(job: object, ended: Promise<unknown>): void {
  lostJobs.add(job)
  const forget = (): void => void lostJobs.delete(job)
  ended.then(forget, forget)
}

/** @throws OUT_OF_MEMORY when abandoned jobs leave less memory than the limit allows for new work */
export function refuseAfterLoss(bytesMax: number): void {
  const bytes = process.memoryUsage.rss()
  if (lostJobs.size === 0 || bytes <= bytesMax) return
  const message = `expected the process to use at most ${megabytes(bytesMax)} MB before new work begins, got ${megabytes(bytes)} MB, because a function of an earlier run never returned and keeps its memory; run again in a new process, or raise --memory`
  throw new CapacityError('OUT_OF_MEMORY', message, { bytes, bytesMax })
}

/** Ends this process at once with its exit code when an abandoned job is still running; else returns. */
export function endIfThreadsAreLost(): void {
  if (lostJobs.size === 0) return
  const code = Number(process.exitCode ?? 1)
  // Replaces the program of this process, which ends all threads and frees their memory, and keeps the exit code.
  const { NODE_OPTIONS: _, ...env } = process.env as Record<string, string>
  process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], env)
  process.kill(process.pid, 'SIGKILL')
}
