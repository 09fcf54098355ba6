/** Worker threads that start before it is known what they are to do: they load their modules while the pipeline is bundled. */
import type { Workers } from '../model/worker-job.ts'
import { openWorkers, type PoolOptions, type WorkerSetup } from './pool.ts'

export interface EarlyWorkers {
  /** The threads, once; after that, or for another number of them, new ones. */
  readonly take: (options: PoolOptions) => Workers
  /** Ends the threads if nobody took them. */
  close(): Promise<void>
}

export function startEarly(threads: number, limits: Pick<PoolOptions, 'heapBytes' | 'memoryBytesMax'>): EarlyWorkers {
  const setup = Promise.withResolvers<WorkerSetup>()
  let hear: PoolOptions['onMessage'] = () => {}
  let waiting: Workers | undefined = openWorkers({
    threads,
    ...limits,
    setup: setup.promise,
    onMessage: (message, job) => hear(message, job),
  })
  return {
    take(options) {
      const taken = options.threads === threads ? waiting : undefined
      if (!taken) return openWorkers(options)
      waiting = undefined
      hear = options.onMessage
      setup.resolve(options.setup)
      return taken
    },
    async close() {
      const left = waiting
      waiting = undefined
      await left?.close()
    },
  }
}
