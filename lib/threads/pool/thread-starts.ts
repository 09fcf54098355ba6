/** Follows the threads of a pool while they start. */
import type { Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { loadedMessage } from '../worker/channel.ts'
import { type Activity, countWork } from './end-with-process.ts'

export type ThreadStarts = ReturnType<typeof followStarts>

/** Counts the threads that load their modules as work. Lets the jobs that wait for a thread fail when none is left that could load its modules: Piscina starts no other one then. */
export function followStarts(piscina: Piscina, activity: Activity) {
  const starts = new Map<Worker, Promise<void>>()
  let fault: Error | undefined
  const onEnd = (error?: Error): void => {
    // Piscina has replaced the thread by now, unless it gave up.
    follow()
    // A thread that has loaded its modules has counted that itself.
    if (error) countWork(activity, -1)
    fault = error && piscina.threads.length === 0 ? error : undefined
    // Rejects the jobs that wait; the next job starts a thread again.
    if (fault) void piscina.destroy()
  }
  const follow = (): void => {
    for (const thread of piscina.threads) {
      if (starts.has(thread)) continue
      countWork(activity, 1)
      starts.set(thread, start(thread, onEnd))
    }
  }
  const all = async (): Promise<void> => void (await Promise.all(starts.values()))
  follow()
  return {
    /** Resolves when the threads that the pool started with have loaded their modules or have ended. */
    first: all(),
    /** Follows the threads that were started since the last call. */
    follow,
    /** Resolves when all threads have loaded their modules or have ended: ending one that is loading the engine's binding would abort the process. */
    all,
    /** Why the last thread of the pool ended while it loaded its modules; undefined once a thread has loaded them. */
    get fault(): Error | undefined {
      return fault
    },
  }
}

/** Resolves when a thread has loaded its modules or has ended. Calls `onEnd` then, with the reason when they are not loaded. */
function start(thread: Worker, onEnd: (error?: Error) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isStarting = true
  const end = (error?: Error): void => {
    if (isStarting) onEnd(error)
    isStarting = false
    resolve()
  }
  thread.on('message', message => {
    if (message === loadedMessage) end()
  })
  thread.once('error', end)
  thread.once('exit', code => end(new Error(`it ended with exit code ${code}`)))
  return promise
}
