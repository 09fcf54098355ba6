/** The worker threads of one task: as many as wanted, each with its own engine, over a well-kept pool. */
import { randomUUID } from 'node:crypto'
import { BroadcastChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { CapacityError, fromPlain, TransientError } from '../core/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../core/worker-job.ts'
import { entryUrl } from './entry-url.ts'

export interface PoolOptions {
  readonly threads: number
  /** Given to each thread, with the channel's name. */
  readonly setup: Readonly<Record<string, unknown>>
  /** Upper bound of each thread's JavaScript heap. */
  readonly heapBytes: number
  onMessage(message: WorkerMessage): void
}

/**
 * Threads start at once and live until `close`. A job is never ended by force: `stop` interrupts the engines, because
 * ending a thread in a query would end the process.
 */
export function openWorkers({ threads, setup, heapBytes, onMessage }: PoolOptions): Workers {
  const channel = `fanmill-${randomUUID()}`
  const told = new BroadcastChannel(channel)
  const stops = new BroadcastChannel(`${channel}-stop`)
  told.onmessage = event => onMessage((event as unknown as { data: WorkerMessage }).data)
  const pool = new Piscina({
    filename: entryUrl('worker'),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    workerData: { ...setup, channel },
    resourceLimits: { maxOldGenerationSizeMb: Math.max(64, Math.floor(heapBytes / 1_048_576)) },
  })
  return {
    threads,
    async run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>) {
      const answer = (await pool.run(job).catch(died)) as WorkerAnswer<WorkerResults[K]>
      if ('error' in answer) throw fromPlain(answer.error)
      return answer.value
    },
    stop: () => stops.postMessage('stop'),
    async close() {
      told.close()
      stops.close()
      await pool.close({ force: false })
    },
  }
}

/** A job rejects only when its thread is gone. */
function died(error: unknown): never {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    throw new CapacityError('OUT_OF_MEMORY', 'a worker thread ran out of JavaScript memory; raise --memory or lower --workers', {}, { cause: error })
  throw new TransientError('WORKER_DIED', `a worker thread ended during its job: ${message}`, {}, { cause: error })
}
