/** Pools of worker threads, each with an engine per task. */
import { Piscina } from 'piscina'
import { entryUrl } from '../../bundle/entry-url.ts'
import { runStopped } from '../../errors/abort.ts'
import { type CapacityError, type FanmillError, PermanentError } from '../../errors/errors.ts'
import type { JobControl, JobKind, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../../model/worker-job.ts'
import { compileCacheFolder } from '../compile-cache.ts'
import type { Interrupt } from '../worker/channel.ts'
import { enlargeYoungGeneration, threadLimits } from '../worker/thread-memory.ts'
import type { RestedThread, ThreadData } from '../worker/thread-traces.ts'
import { isAnyLost, refuseAfterLoss } from './end-process.ts'
import { endWithProcess, newActivity } from './end-with-process.ts'
import { loseThread, type PoolState, type RunningJob, runJob, stopMsMax } from './job.ts'
import { watchMemory } from './memory-watch.ts'
import { releaseThreads } from './release-threads.ts'
import { followStarts } from './thread-starts.ts'

/** Setup of a thread for one task, as plain data. */
export type WorkerSetup = Readonly<Record<string, unknown>>

export interface PoolOptions {
  /** Module of the threads; default `worker`, which needs a task. */
  readonly entry?: 'worker' | 'worker-kept' | 'worker-extract' | 'worker-map'
  readonly threads: number
  /**
   * Threads that start at once. The others start when these have loaded their modules and a job finds no free thread, so that the first
   * job begins sooner where there are fewer CPUs than threads that load. Default all.
   */
  readonly startAtOnce?: number
  /** Limit on each thread's JavaScript heap, not counting the young generation of up to 48 MiB. */
  readonly heapBytes: number
  /** Limit on the memory of the process: beyond it the jobs are interrupted with OUT_OF_MEMORY, and abandoned when they do not end. Default no limit. */
  readonly memoryBytesMax?: number | undefined
  /** Lets each thread note its state when it starts, so that `rest` can tell whether another run may use it; default false. */
  readonly isKept?: boolean
}

export interface TaskOptions {
  /** Sent with each job; a thread sets itself up for the first job of a task. */
  readonly setup: WorkerSetup
  /** `job` is the same object for all messages of one job. */
  onMessage(message: WorkerMessage, job: object): void
}

/** Worker threads for any number of tasks, which live until `close`. */
export interface ThreadPool {
  readonly threads: number
  /** True when a thread was abandoned in a function that does not return: the pool should not be used any more. */
  readonly isHung: boolean
  /** Opens workers that run the jobs of one task. Their `close` waits for their jobs, and keeps the threads for other tasks. */
  workersFor(task: TaskOptions): Workers
  /** Lets all threads close what they have opened. Resolves to whether another run may use them: the pool is one of `isKept`, none is lost, and each is as it was before its first job. */
  rest(): Promise<boolean>
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

/** Time that `close` waits for running jobs before it stops them. */
const closeMsMax = 30_000

/**
 * Starts the threads. Jobs are never ended by force, because ending a thread in a query ends the process: `stop` interrupts the
 * engines. A job that does not end then is abandoned: its promise rejects with ABORTED while its thread keeps running.
 */
export function openPool(options: PoolOptions): ThreadPool {
  const { entry = 'worker', threads, startAtOnce = threads, heapBytes, memoryBytesMax = 0, isKept = false } = options
  const cache = compileCacheFolder()
  const resourceLimits = threadLimits(heapBytes)
  enlargeYoungGeneration(resourceLimits)
  const activity = newActivity()
  const piscina = new Piscina({
    filename: entryUrl(entry),
    // Not a default export: Node aborts the process when a thread ends while it makes one for `require`.
    name: 'work',
    minThreads: startAtOnce,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    resourceLimits,
    workerData: { isKept, activity } satisfies ThreadData,
    ...(cache !== undefined && { env: { ...process.env, NODE_COMPILE_CACHE: cache } }),
  })
  // A thread that dies without a job is replaced; if the next one dies too, its job reports it.
  piscina.on('error', () => undefined)
  const starts = followStarts(piscina, activity)
  const release = releaseThreads(piscina)
  const running = new Set<RunningJob>()
  const stopAll = (): void => {
    for (const { port } of running) port.postMessage('stop')
  }
  const loseAll = (): void => {
    for (const job of running) loseThread(pool, job)
  }
  const leave = endWithProcess({ activity, stop: stopAll, lose: loseAll }, stopMsMax)
  const onOver = ({ message, detail }: CapacityError): void => {
    for (const { port } of running) port.postMessage({ message, detail } satisfies Interrupt)
  }
  const onLost = (error: CapacityError): void => abandonJobs(pool, running, error)
  const memory = memoryBytesMax > 0 ? watchMemory({ bytesMax: memoryBytesMax, onOver, onLost }) : undefined
  const shared = {
    piscina,
    starts,
    startAtOnce,
    activity,
    running,
    openSetups: new Set<number>(),
    lost: new Set<Promise<unknown>>(),
  }
  const pool: PoolState = { ...shared, memory, memoryBytesMax, isHung: false }
  let setupCount = 0
  return {
    threads,
    get isHung() {
      return pool.isHung
    },
    workersFor: task => openTask(pool, setupCount++, task),
    rest: () => restThreads(pool),
    async close() {
      refThreads(pool)
      // Piscina's own wait ends too early when several jobs are running, and a thread that ends in a query ends the process.
      await settled(running)
      // The threads are ended when the last function returns; the caller does not wait for that.
      if (pool.isHung) {
        // Nor does the program, which ends such threads when it ends.
        if (isAnyLost()) release()
        const ended = Promise.allSettled([...pool.lost, starts.all()]).then(() => piscina.close({ force: false }))
        return void ended.catch(() => undefined).then(leave)
      }
      await starts.all()
      await piscina.close({ force: false })
      leave()
    },
  }
}

async function restThreads(pool: PoolState): Promise<boolean> {
  const { piscina, starts, running } = pool
  await settled(running)
  if (pool.isHung || isAnyLost()) return false
  await starts.all()
  const { threads } = piscina
  // Those that had no job need not rest. Otherwise each thread gets one job, because none is busy.
  const count = piscina.completed === 0 ? 0 : threads.length
  // A timer of the user's code may not return. No query is running, so that threads may be ended.
  let ending: Promise<void> | undefined
  const endTimer = setTimeout(() => {
    ending = piscina.destroy()
  }, stopMsMax)
  const resting = Array.from({ length: count }, (): Promise<RestedThread> => piscina.run(undefined, { name: 'rest' }))
  const rested = await Promise.all(resting).catch(() => [])
  clearTimeout(endTimer)
  await ending
  for (const thread of piscina.threads) thread.unref()
  const usable = new Set(rested.filter(({ isUnchanged }) => isUnchanged).map(({ thread }) => thread))
  // None is left where threads could not load their modules.
  return threads.length > 0 && usable.size === count && piscina.threads.length === threads.length
}

function openTask(pool: PoolState, setupId: number, { setup, onMessage }: TaskOptions): Workers {
  const jobs = new Set<RunningJob>()
  let isStopped = false
  let stopTimer: NodeJS.Timeout | undefined
  let abandoned: FanmillError | undefined
  pool.openSetups.add(setupId)
  const refuseStopped = (): void => {
    if (abandoned) throw abandoned
    if (isStopped) throw runStopped()
    if (pool.memoryBytesMax > 0) refuseAfterLoss(pool.memoryBytesMax)
  }
  const onAbandoned = (error: FanmillError): void => {
    abandoned ??= error
  }
  const abandonLater = async (): Promise<void> => {
    await pool.starts.allSoon()
    if (jobs.size > 0) stopTimer = setTimeout(() => abandonJobs(pool, jobs, hungError()), stopMsMax)
  }
  const stop = (): void => {
    if (!isStopped) void abandonLater()
    isStopped = true
    for (const { port } of jobs) port.postMessage('stop')
  }
  return {
    threads: pool.piscina.options.maxThreads,
    get isHung() {
      return abandoned !== undefined
    },
    get idle() {
      // Jobs that wait for a thread are among those that run.
      return Math.max(0, pool.piscina.options.maxThreads - pool.running.size - pool.lost.size)
    },
    async run<K extends JobKind>(job: WorkerJob<K>, control?: JobControl) {
      refuseStopped()
      const call = { setupId, openSetups: [...pool.openSetups], setup, job }
      return (await runJob(pool, call, { jobs, onMessage, onAbandoned, control })) as WorkerResults[K]
    },
    stop,
    async close() {
      refThreads(pool)
      const closeTimer = setTimeout(stop, closeMsMax)
      await settled(jobs)
      clearTimeout(closeTimer)
      clearTimeout(stopTimer)
      pool.openSetups.delete(setupId)
    },
  }
}

function abandonJobs(pool: PoolState, jobs: Iterable<RunningJob>, error: FanmillError): void {
  for (const job of jobs) {
    loseThread(pool, job)
    job.abandon(error)
  }
}

const settled = (jobs: Iterable<RunningJob>): Promise<unknown> => Promise.all(Array.from(jobs, job => job.ended))

/** Lets the threads keep the process alive until they are closed, which Piscina does not. */
function refThreads({ piscina }: PoolState): void {
  for (const thread of piscina.threads) thread.ref()
}

const hungError = (): FanmillError =>
  new PermanentError('ABORTED', 'the run was stopped while a thread was in a function that does not return')
