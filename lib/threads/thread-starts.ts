/** Follows the threads of a pool while they start. */
import type { Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { loadedMessage } from './channel.ts'

export interface ThreadStarts {
  /** Resolves when the threads that the pool started with have loaded their modules or have ended. */
  readonly first: Promise<void>
  /** Follows the threads that were started since the last call. */
  follow(): void
  /** Resolves when all threads have loaded their modules or have ended: ending one that is loading the engine's binding would abort the process. */
  all(): Promise<void>
}

export function followStarts(piscina: Piscina): ThreadStarts {
  const starts = new Map<Worker, Promise<void>>()
  const follow = (): void => {
    for (const thread of piscina.threads) if (!starts.has(thread)) starts.set(thread, isLoaded(thread))
  }
  const all = async (): Promise<void> => void (await Promise.all(starts.values()))
  follow()
  return { first: all(), follow, all }
}

function isLoaded(thread: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  thread.on('message', message => {
    if (message === loadedMessage) resolve()
  })
  thread.once('exit', () => resolve())
  return promise
}
