/** Pools of worker threads, each with an engine per task. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { entryUrl } from '../bundle/entry-url.ts'
import { CapacityError, type FanmillError, fromPlain, PermanentError, TransientError } from '../errors/errors.ts'
import type { JobKind, WorkerAnswer, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import { type Interrupt, loadedMessage } from './channel.ts'
import { recordLoss, refuseAfterLoss } from './end-process.ts'
import { watchMemory } from './memory-watch.ts'
import { threadLimits } from './thread-memory.ts'

/** Setup of a thread for one task, as plain data. */
export type WorkerSetup = Readonly<Record<string, unknown>>

export interface PoolOptions {
  /** Module of the threads; default `worker`, which needs a task. */
  readonly entry?: 'worker' | 'worker-extract'
  readonly threads: number
  /** Limit on each thread's JavaScript heap, not counting the young generation of up to 48 MiB. */
  readonly heapBytes: number
  /** Limit on the memory of the process: beyond it the jobs are interrupted with OUT_OF_MEMORY, and abandoned when they do not end. Default no limit. */
  readonly memoryBytesMax?: number | undefined
}

export interface TaskOptions {
  /** Sent with each job; a thread sets itself up for the first job of a task. */
  readonly setup: WorkerSetup
  /** `job` is the same object for all messages of one job. */
  onMessage(message: WorkerMessage, job: object): void
}

/** Worker threads for any number of tasks, which start at once and live until `close`. */
export interface ThreadPool {
  readonly threads: number
  /** True when a thread was abandoned in a function that does not return: the pool should not be used any more. */
  readonly isHung: boolean
  /** Opens workers that run the jobs of one task. Their `close` waits for their jobs, and keeps the threads for other tasks. */
  workersFor(task: TaskOptions): Workers
  /** Waits for all jobs, and ends the threads. Does not wait for abandoned jobs. */
  close(): Promise<void>
}

/** Opens a pool for one task. @see openPool */
export function openWorkers({ setup, onMessage, ...options }: PoolOptions & TaskOptions): Workers {
  const pool = openPool(options)
  const workers = pool.workersFor({ setup, onMessage })
  const close = async (): Promise<void> => {
    await workers.close()
    await pool.close()
  }
  return Object.create(workers, { close: { value: close } }) as Workers
}

/** Time that a job has to end after `stop`; a user function that does not return takes longer. */
const stopMsMax = 3000

/** Time that `close` waits for running jobs before it stops them. */
const closeMsMax = 30_000

interface RunningJob {
  readonly port: MessagePort
  /** Rejects the job's promise without waiting for its thread. */
  readonly abandon: (error: FanmillError) => void
  /** Resolves when the job has an answer or was abandoned. */
  readonly ended: Promise<void>
  /** Settles when the thread ends the job, even after it was abandoned. */
  answering: Promise<unknown>
}

/**
 * Starts the threads. Jobs are never ended by force, because ending a thread in a query ends the process: `stop` interrupts the
 * engines. A job that does not end then is abandoned: its promise rejects with ABORTED while its thread keeps running.
 */
export function openPool({ entry = 'worker', threads, heapBytes, memoryBytesMax = 0 }: PoolOptions): ThreadPool {
  const piscina = new Piscina({
    filename: entryUrl(entry),
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    resourceLimits: threadLimits(heapBytes, heapBytes),
  })
  // A thread that dies without a job is replaced; if the next one dies too, its job reports it.
  piscina.on('error', () => undefined)
  const started = allStarted(piscina.threads)
  // One promise per job: a promise that outlives the jobs and is raced with them would keep their answers in memory.
  const running = new Set<RunningJob>()
  /** Ids of the setups whose workers are open: threads close the engines of all others. */
  const openSetups = new Set<number>()
  let setupCount = 0
  let isHung = false
  const abandon = (jobs: Iterable<RunningJob>, error: FanmillError): void => {
    for (const job of jobs) {
      isHung = true
      job.abandon(error)
    }
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
            abandon(running, error)
          },
        })
      : undefined

  function workersFor({ setup, onMessage }: TaskOptions): Workers {
    const setupId = setupCount++
    openSetups.add(setupId)
    const jobs = new Set<RunningJob>()
    let stopTimer: NodeJS.Timeout | undefined
    let abandoned: FanmillError | undefined
    const refuseStopped = (): void => {
      if (abandoned) throw abandoned
      if (stopTimer) throw new PermanentError('ABORTED', 'the run was stopped')
      if (memoryBytesMax > 0) refuseAfterLoss(memoryBytesMax)
    }
    const stop = (): void => {
      stopTimer ??= setTimeout(() => abandon(jobs, hungError()), stopMsMax)
      for (const { port } of jobs) port.postMessage('stop')
    }
    return {
      threads,
      get isHung() {
        return abandoned !== undefined
      },
      async run<K extends JobKind>(job: WorkerJob<K>) {
        refuseStopped()
        const { port1: port, port2: workerPort } = new MessageChannel()
        const closed = once(port, 'close')
        const { promise: abandonment, reject } = Promise.withResolvers<never>()
        const { promise: ended, resolve: end } = Promise.withResolvers<void>()
        const abandonJob = (error: FanmillError): void => {
          abandoned ??= error
          reject(error)
        }
        const own: RunningJob = { port, abandon: abandonJob, ended, answering: ended }
        port.on('message', (message: WorkerMessage) => onMessage(message, own))
        jobs.add(own)
        running.add(own)
        memory?.begin()
        try {
          const call = { setupId, openSetups: [...openSetups], setup, job, port: workerPort }
          const answering = piscina.run(call, { transferList: [workerPort] }).catch(throwDeath)
          own.answering = answering
          const answer: WorkerAnswer<WorkerResults[K]> = await Promise.race([answering, abandonment])
          // The messages of the job come on another channel than its answer, and may arrive later.
          await closed
          if ('error' in answer) throw fromPlain(answer.error)
          return answer.value
        } finally {
          jobs.delete(own)
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
        for (const thread of piscina.threads) thread.ref()
        const closeTimer = setTimeout(stop, closeMsMax)
        await Promise.all([...jobs].map(job => job.ended))
        clearTimeout(closeTimer)
        clearTimeout(stopTimer)
        openSetups.delete(setupId)
      },
    }
  }

  return {
    threads,
    get isHung() {
      return isHung
    },
    workersFor,
    async close() {
      for (const thread of piscina.threads) thread.ref()
      // Piscina's own wait ends too early when several jobs are running, and a thread that ends in a query ends the process.
      await Promise.all([...running].map(job => job.ended))
      if (isHung) return
      await started
      await piscina.close({ force: false })
    },
  }
}

/** Resolves when each thread has loaded its modules or has ended: ending one that is loading the engine's binding would abort the process. */
async function allStarted(threads: readonly Worker[]): Promise<void> {
  await Promise.all(
    threads.map(thread => {
      const { promise, resolve } = Promise.withResolvers<void>()
      thread.on('message', message => {
        if (message === loadedMessage) resolve()
      })
      thread.once('exit', () => resolve())
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
