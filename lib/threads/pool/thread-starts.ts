/** Follows the threads of a pool while they start. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { loadedMessage } from '../worker/channel.ts'
import { type Activity, countWork } from './end-with-process.ts'

export type ThreadStarts = ReturnType<typeof followStarts>

/** Time that threads may need to load their modules on a busy machine. */
const loadMsMax = 30_000

/** Functions that follow the new threads of each open pool. */
const pools = new Set<() => void>()
let watchesWorkers = false

/**
 * Counts the threads that load their modules as work. Lets the jobs that wait for a thread fail when none is left: Piscina starts no
 * other one once a thread could not load its modules.
 */
export function followStarts(piscina: Piscina, activity: Activity) {
  const starts = new Map<Worker, Promise<void>>()
  let fault: Error | undefined
  const onLoaded = (): void => {
    fault = undefined
  }
  const onUnloaded = (error: Error): void => {
    countWork(activity, -1)
    if (piscina.threads.length === 0) fault = error
  }
  const onExit = (): void => {
    // Rejects the jobs that wait; the next job starts a thread again.
    if (piscina.threads.length === 0 && piscina.queueSize > 0) void piscina.destroy()
  }
  const follow = (): void => {
    for (const thread of piscina.threads) {
      if (starts.has(thread)) continue
      countWork(activity, 1)
      starts.set(thread, start(thread, { onLoaded, onUnloaded, onExit }))
    }
  }
  // Node tells of a thread before it can send a message. Piscina, which replaces threads that die, tells of it later.
  if (!watchesWorkers) process.on('worker', followAll)
  watchesWorkers = true
  pools.add(follow)
  piscina.once('close', () => pools.delete(follow))
  const all = async (): Promise<void> => void (await Promise.all(starts.values()))
  follow()
  return {
    /** Resolves when the threads that the pool started with have loaded their modules or have ended. */
    first: all(),
    /** Resolves when all threads have loaded their modules or have ended: ending one that is loading the engine's binding would abort the process. */
    all,
    /** Resolves as `all`, or after 30 seconds: a thread that loads its modules is in no function of the user, so that its job ends soon. */
    allSoon: () => Promise.race([all(), delay(loadMsMax, undefined, { ref: false })]),
    /** Why the last thread of the pool ended while it loaded its modules; undefined once a thread has loaded them. */
    get fault(): Error | undefined {
      return fault
    },
  }
}

function followAll(): void {
  for (const follow of pools) follow()
}

interface StartEvents {
  onLoaded(): void
  /** Is called when the thread has ended before its modules were loaded, before `onExit`. */
  onUnloaded(error: Error): void
  onExit(): void
}

/** Resolves when a thread has loaded its modules or has ended. */
function start(thread: Worker, { onLoaded, onUnloaded, onExit }: StartEvents): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let isLoaded = false
  let fault: Error | undefined
  thread.on('message', message => {
    if (message !== loadedMessage) return
    isLoaded = true
    onLoaded()
    resolve()
  })
  thread.once('error', error => {
    fault = error
  })
  // All messages of the thread have arrived by then, while its error may arrive before them.
  thread.once('exit', code => {
    if (!isLoaded) onUnloaded(fault ?? new Error(`it ended with exit code ${code}`))
    onExit()
    resolve()
  })
  return promise
}
