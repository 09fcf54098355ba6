/** The worker threads of one task: as many as wanted, each with its own engine, over a well-kept pool. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, type ResourceLimits, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { CapacityError, fromPlain, PermanentError, TransientError } from '../core/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../core/worker-job.ts'
import { entryUrl } from './entry-url.ts'

/** Plain data. */
export type WorkerSetup = Readonly<Record<string, unknown>>

export interface PoolOptions {
  /** What the threads run; default `worker`, which needs a task. */
  readonly entry?: 'worker' | 'worker-extract'
  readonly threads: number
  /** Goes with each job: a thread sets itself up by the first. May come later than the threads, which load their modules meanwhile. */
  readonly setup: WorkerSetup | Promise<WorkerSetup>
  /** Upper bound of each thread's JavaScript heap. */
  readonly heapBytes: number
  onMessage(message: WorkerMessage): void
}

/** A stopped thread is given so long to end its job; a function of the user's that does not return holds it. */
const stopMsMax = 3000

/**
 * Threads start at once and live until `close`. A job is never ended by force: `stop` interrupts the engines, because
 * ending a thread in a query would end the process. What has not ended by itself then is given up: its promise rejects with
 * ABORTED while its thread goes on, and `close` does not wait for it; the process is to end.
 */
export function openWorkers({ entry = 'worker', threads, setup, heapBytes, onMessage }: PoolOptions): Workers {
  const pool = new Piscina({
    filename: entryUrl(entry),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    resourceLimits: heapLimits(heapBytes),
  })
  // A thread that dies without a job is replaced; if the next one dies too, its job says so.
  pool.on('error', () => undefined)
  const started = allStarted(pool.threads)
  // One promise a job: what waits for one that outlives the jobs keeps their answers.
  const underWay = new Set<{ readonly port: MessagePort; readonly giveUp: (error: Error) => void }>()
  let stopTimer: NodeJS.Timeout | undefined
  let isGivenUp = false
  const giveUp = (): void => {
    isGivenUp = underWay.size > 0
    for (const job of underWay)
      job.giveUp(
        new PermanentError('ABORTED', 'the run was stopped while a thread was in a function that does not return'),
      )
  }
  const refuseStopped = (): void => {
    if (stopTimer) throw new PermanentError('ABORTED', 'the run was stopped')
  }
  return {
    threads,
    get isHung() {
      return isGivenUp
    },
    async run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>) {
      refuseStopped()
      const call = { setup: await setup, job }
      refuseStopped()
      const { port1: told, port2: port } = new MessageChannel()
      told.on('message', onMessage)
      const closed = once(told, 'close')
      const { promise: givenUp, reject } = Promise.withResolvers<never>()
      const own = { port: told, giveUp: reject }
      underWay.add(own)
      try {
        const answering = pool.run({ ...call, port }, { transferList: [port] }).catch(died)
        const answer = (await Promise.race([answering, givenUp])) as WorkerAnswer<WorkerResults[K]>
        // What the thread told before its answer comes by another way, and may come later.
        await closed
        if ('error' in answer) throw fromPlain(answer.error)
        return answer.value
      } finally {
        underWay.delete(own)
        told.close()
      }
    },
    stop() {
      stopTimer ??= setTimeout(giveUp, stopMsMax)
      for (const { port } of underWay) port.postMessage('stop')
    },
    async close() {
      clearTimeout(stopTimer)
      if (isGivenUp) return
      // Nothing else may keep the process alive until then.
      for (const thread of pool.threads) thread.ref()
      await started
      await pool.close({ force: false })
    },
  }
}

/** Young objects get an eighth of the heap, where V8 would take more than all of a small one for them. */
function heapLimits(heapBytes: number): ResourceLimits {
  const heapMb = Math.max(64, Math.floor(heapBytes / 1_048_576))
  return { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: Math.min(48, Math.floor(heapMb / 8)) }
}

/** Settles when each thread has loaded its modules, or is gone: ending one that loads the engine's binding would abort the process. */
async function allStarted(threads: readonly Worker[]): Promise<void> {
  await Promise.all(
    threads.map(thread => {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      // The first thing that the pool's side of a thread says is that it is ready.
      thread.once('message', resolve)
      thread.once('exit', resolve)
      return promise
    }),
  )
}

/** A job rejects only when its thread is gone. */
function died(error: unknown): never {
  const { code, message } = error as { code?: string; message: string }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    throw new CapacityError(
      'OUT_OF_MEMORY',
      'a worker thread ran out of JavaScript memory; raise --memory or lower --workers',
      {},
      { cause: error },
    )
  throw new TransientError('WORKER_DIED', `a worker thread ended during its job: ${message}`, {}, { cause: error })
}
