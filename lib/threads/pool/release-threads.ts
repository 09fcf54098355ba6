/** Lets a process end although a job of a pool is running: Piscina keeps the process alive until it has the answer. */
import type { Piscina } from 'piscina'

interface Unreferable {
  unref(): unknown
}

/** Follows the threads of a new pool, and returns a function after whose call none of them keeps the process alive. */
export function releaseThreads(piscina: Piscina): () => void {
  const channels: Unreferable[] = []
  piscina.on('workerCreate', (worker: Readonly<Record<symbol, unknown>>) => {
    // Piscina has no name for the channel over which a thread gets its jobs, except in this field of its event.
    const channel = Object.getOwnPropertySymbols(worker)
      .map(name => worker[name])
      .find(isUnreferable)
    if (channel) channels.push(channel)
  })
  return () => {
    for (const each of [...piscina.threads, ...channels]) each.unref()
  }
}

const isUnreferable = (value: unknown): value is Unreferable =>
  typeof (value as Partial<Unreferable> | undefined)?.unref === 'function'
