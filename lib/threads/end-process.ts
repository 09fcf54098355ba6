/** Ends a process whose threads cannot be stopped: an ordinary exit would wait for them. */
import type { CapacityError } from '../errors/errors.ts'

let lost: CapacityError | undefined

/** Says that a thread was given up with memory that it goes on taking. */
export function loseThreads(error: CapacityError): void {
  lost ??= error
}

/** @throws OUT_OF_MEMORY when a thread of this process was lost: there is no memory to begin anything with */
export function refuseAfterLoss(): void {
  if (lost) throw lost
}

/** Ends this process at once with its exit code, if a thread was lost; else returns. Nothing after it runs. */
export function endIfThreadsAreLost(): void {
  if (!lost) return
  const code = Number(process.exitCode ?? 1)
  // Another program in the place of this one: all threads and their memory are gone, and the exit code is ours.
  const { NODE_OPTIONS: _, ...env } = process.env as Record<string, string>
  process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], env)
  process.kill(process.pid, 'SIGKILL')
}
