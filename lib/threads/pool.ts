/** Runs jobs on a pool of worker threads, each with its own engine. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { entryUrl } from '../bundle/entry-url.ts'
import { CapacityError, type FanmillError, fromPlain, PermanentError, TransientError } from '../errors/errors.ts'
import type { JobKind, WorkerAnswer, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import type { Interrupt } from './channel.ts'
import { recordLoss, refuseAfterLoss } from './end-process.ts'
import { watchMemory } from './memory-watch.ts'
import { threadLimits } from './thread-memory.ts'

/** Setup of a thread, as plain data. */
export type WorkerSetup = Readonly<Record<string, unknown>>

export interface PoolOptions {
  /** Module of the threads; default `worker`, which needs a task. */
  readonly entry?: 'worker' | 'worker-extract'
  readonly threads: number
  /** Sent with each job; a thread sets itself up for its first job. May be a promise: the threads load their modules meanwhile. */
  readonly setup: WorkerSetup | Promise<WorkerSetup>
  /** Limit on each thread's JavaScript heap, not counting the young generation of up to 48 MiB. */
  readonly heapBytes: number
  /** Limit on the memory of the process: beyond it the jobs are interrupted with OUT_OF_MEMORY, and abandoned when they do not end. Default no limit. */
  readonly memoryBytesMax?: number | undefined
  /** `job` is the same object for all messages of one job. */
  onMessage(message: WorkerMessage, job: object): void
}

/** Time that a job has to end after `stop`; a user function that does not return takes longer. */
const stopMsMax = 3000

/** Time that `close` waits for running jobs before it stops them. */
const closeMsMax = 30_000

interface RunningJob {
  readonly port: MessagePort
  /** Rejects the job's promise without waiting for its thread. */
  readonly abandon: (error: Error) => void
  /** Resolves when the job has an answer or was abandoned. */
  readonly ended: Promise<void>
  /** Settles when the thread ends the job, even after it was abandoned. */
  answering: Promise<unknown>
}

/**
 * Starts the threads, which live until `close`. Jobs are never ended by force, because ending a thread in a query ends the
 * process: `stop` interrupts the engines. A job that does not end then is abandoned: its promise rejects with ABORTED while its
 * thread keeps running, and `close` does not wait for it.
 */
export function openWorkers({
  entry = 'worker',
  threads,
  setup,
  heapBytes,
  memoryBytesMax = 0,
  onMessage,
}: PoolOptions): Workers {
  const pool = new Piscina({
    filename: entryUrl(entry),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    resourceLimits: threadLimits(heapBytes, heapBytes),
  })
  // A thread that dies without a job is replaced; if the next one dies too, its job reports it.
  pool.on('error', () => undefined)
  const started = allStarted(pool.threads)
  // One promise per job: a promise that outlives the jobs and is raced with them would keep their answers in memory.
  const running = new Set<RunningJob>()
  let stopTimer: NodeJS.Timeout | undefined
  let abandoned: FanmillError | undefined
  const abandonJobs = (error: FanmillError): void => {
    if (running.size > 0) abandoned ??= error
    for (const job of running) job.abandon(error)
  }
  const memory =
    memoryBytesMax > 0
      ? watchMemory({
          bytesMax: memoryBytesMax,
          onOver: ({ message, detail }) => {
            for (const { port } of running) port.postMessage({ message, detail } satisfies Interrupt)
          },
          onLost: error => {
            for (const job of running) recordLoss(job, job.answering)
            abandonJobs(error)
          },
        })
      : undefined
  const refuseStopped = (): void => {
    if (abandoned) throw abandoned
    if (stopTimer) throw new PermanentError('ABORTED', 'the run was stopped')
    if (memoryBytesMax > 0) refuseAfterLoss(memoryBytesMax)
  }
  const stop = (): void => {
    stopTimer ??= setTimeout(() => abandonJobs(hungError()), stopMsMax)
    for (const { port } of running) port.postMessage('stop')
  }
  return {
    threads,
    get isHung() {
      return abandoned !== undefined
    },
    async run<K extends JobKind>(job: WorkerJob<K>) {
      refuseStopped()
      const call = { setup: await setup, job }
      refuseStopped()
      const { port1: port, port2: workerPort } = new MessageChannel()
      const closed = once(port, 'close')
      const { promise: abandonment, reject: abandon } = Promise.withResolvers<never>()
      const { promise: ended, resolve: end } = Promise.withResolvers<void>()
      const own: RunningJob = { port, abandon, ended, answering: ended }
      port.on('message', (message: WorkerMessage) => onMessage(message, own))
      running.add(own)
      memory?.begin()
      try {
        const answering = pool.run({ ...call, port: workerPort }, { transferList: [workerPort] }).catch(throwDeath)
        own.answering = answering
        const answer: WorkerAnswer<WorkerResults[K]> = await Promise.race([answering, abandonment])
        // The messages of the job come on another channel than its answer, and may arrive later.
        await closed
        if ('error' in answer) throw fromPlain(answer.error)
        return answer.value
      } finally {
        running.delete(own)
        // The caller may keep `own` longer, but not the answer.
        own.answering = ended
        // Resets the progress, which a thread that died could not do.
        onMessage({ kind: 'underWay', bytesStaged: 0, bytesConverted: 0, rows: 0 }, own)
        if (running.size === 0) memory?.end()
        port.close()
        end()
      }
    },
    stop,
    async close() {
      // Piscina's threads do not keep the process alive by themselves.
      for (const thread of pool.threads) thread.ref()
      // Piscina's own wait ends too early when several jobs are running, and a thread that ends in a query ends the process.
      const closeTimer = setTimeout(stop, closeMsMax)
      await Promise.all([...running].map(job => job.ended))
      clearTimeout(closeTimer)
      clearTimeout(stopTimer)
      if (abandoned) return
      await started
      await pool.close({ force: false })
    },
  }
}

/** Resolves when each thread has loaded its modules or has ended: ending one that is loading the engine's binding would abort the process. */
async function allStarted(threads: readonly Worker[]): Promise<void> {
  await Promise.all(
    threads.map(thread => {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      // Piscina's first message from a thread means that it is ready.
      thread.once('message', resolve)
      thread.once('exit', resolve)
      return promise
    }),
  )
}

const hungError = (): FanmillError =>
  new PermanentError('ABORTED', 'the run was stopped while a thread was in a function that does not return')

/** Piscina rejects a job only when its thread has ended. */
function throwDeath(error: unknown): never {
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
