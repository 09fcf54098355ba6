/** The worker threads of one task: as many as wanted, each with its own engine, over a well-kept pool. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { entryUrl } from '../bundle/entry-url.ts'
import { CapacityError, type FanmillError, fromPlain, PermanentError, TransientError } from '../errors/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import type { Interrupt } from './channel.ts'
import { loseThreads, refuseAfterLoss } from './end-process.ts'
import { watchMemory } from './memory-watch.ts'
import { threadLimits } from './thread-memory.ts'

/** Plain data. */
export type WorkerSetup = Readonly<Record<string, unknown>>

export interface PoolOptions {
  /** What the threads run; default `worker`, which needs a task. */
  readonly entry?: 'worker' | 'worker-extract'
  readonly threads: number
  /** Goes with each job: a thread sets itself up by the first. May come later than the threads, which load their modules meanwhile. */
  readonly setup: WorkerSetup | Promise<WorkerSetup>
  /** Upper bound of each thread's JavaScript heap, without its young generation of 48 MiB. */
  readonly heapBytes: number
  /** Of the whole process: more interrupts the jobs with OUT_OF_MEMORY, and gives up those that do not end. Default no limit. */
  readonly memoryBytesMax?: number | undefined
  /** `job` is the same object for all messages of one job. */
  onMessage(message: WorkerMessage, job: object): void
}

/** A stopped thread is given so long to end its job; a function of the user's that does not return holds it. */
const stopMsMax = 3000

/** A pool that is closed waits so long for jobs that nobody waits for any more; then it stops them. */
const closeMsMax = 30_000

interface JobUnderWay {
  readonly port: MessagePort
  /** Ends the wait for its answer. */
  readonly giveUp: (error: Error) => void
  /** Resolves when it has an answer, or was given up. */
  readonly ended: Promise<void>
}

/**
 * Threads start at once and live until `close`. A job is never ended by force: `stop` interrupts the engines, because
 * ending a thread in a query would end the process. What has not ended by itself then is given up: its promise rejects with
 * ABORTED while its thread goes on, and `close` does not wait for it; the process is to end.
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
  // A thread that dies without a job is replaced; if the next one dies too, its job says so.
  pool.on('error', () => undefined)
  const started = allStarted(pool.threads)
  // One promise a job: what waits for one that outlives the jobs keeps their answers.
  const underWay = new Set<JobUnderWay>()
  let stopTimer: NodeJS.Timeout | undefined
  let givenUp: FanmillError | undefined
  const giveUp = (error: FanmillError): void => {
    if (underWay.size > 0) givenUp ??= error
    for (const job of underWay) job.giveUp(error)
  }
  const memory =
    memoryBytesMax > 0
      ? watchMemory({
          bytesMax: memoryBytesMax,
          onOver: ({ message, detail }) => {
            for (const { port } of underWay) port.postMessage({ message, detail } satisfies Interrupt)
          },
          onLost: error => {
            loseThreads(error)
            giveUp(error)
          },
        })
      : undefined
  const refuseStopped = (): void => {
    refuseAfterLoss()
    if (givenUp) throw givenUp
    if (stopTimer) throw new PermanentError('ABORTED', 'the run was stopped')
  }
  const stop = (): void => {
    stopTimer ??= setTimeout(() => giveUp(inNoReturn()), stopMsMax)
    for (const { port } of underWay) port.postMessage('stop')
  }
  return {
    threads,
    get isHung() {
      return givenUp !== undefined
    },
    async run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>) {
      refuseStopped()
      const call = { setup: await setup, job }
      refuseStopped()
      const { port1: told, port2: port } = new MessageChannel()
      const closed = once(told, 'close')
      const { promise: lost, reject } = Promise.withResolvers<never>()
      const { promise: ended, resolve: end } = Promise.withResolvers<void>()
      const own = { port: told, giveUp: reject, ended }
      told.on('message', (message: WorkerMessage) => onMessage(message, own))
      underWay.add(own)
      memory?.begin()
      try {
        const answering = pool.run({ ...call, port }, { transferList: [port] }).catch(died)
        const answer = (await Promise.race([answering, lost])) as WorkerAnswer<WorkerResults[K]>
        // What the thread told before its answer comes by another way, and may come later.
        await closed
        if ('error' in answer) throw fromPlain(answer.error)
        return answer.value
      } finally {
        underWay.delete(own)
        // Also of a job whose thread died, which could not say so.
        onMessage({ kind: 'underWay', bytesStaged: 0, bytesConverted: 0, rows: 0 }, own)
        if (underWay.size === 0) memory?.end()
        told.close()
        end()
      }
    },
    stop,
    async close() {
      // Nothing else may keep the process alive until then.
      for (const thread of pool.threads) thread.ref()
      // The pool's own wait for jobs ends too early where several are under way, and a thread that ends in a query ends the process.
      const closeTimer = setTimeout(stop, closeMsMax)
      await Promise.all([...underWay].map(job => job.ended))
      clearTimeout(closeTimer)
      clearTimeout(stopTimer)
      if (givenUp) return
      await started
      await pool.close({ force: false })
    },
  }
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

const inNoReturn = (): FanmillError =>
  new PermanentError('ABORTED', 'the run was stopped while a thread was in a function that does not return')

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
