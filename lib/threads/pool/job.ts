/** Runs one job on a thread of a pool. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { CapacityError, type FanmillError, fromPlain, PermanentError, TransientError } from '../../errors/errors.ts'
import type { JobControl, WorkerAnswer, WorkerMessage } from '../../model/worker-job.ts'
import { type AnswerMessage, type Interrupt, type JobLine, notSendable } from '../worker/channel.ts'
import { recordLoss, watchExit } from './end-process.ts'
import { type Activity, countWork } from './end-with-process.ts'
import type { MemoryWatch } from './memory-watch.ts'
import type { ThreadStarts } from './thread-starts.ts'

export interface RunningJob {
  readonly port: MessagePort
  /** Rejects the job's promise without waiting for its thread. */
  readonly abandon: (error: FanmillError) => void
  /** Resolves when the job has an answer or was abandoned. */
  readonly ended: Promise<void>
  /** Settles when the thread is free again, or has ended, even after the job was abandoned. */
  answering: Promise<unknown>
}

/** State that the tasks of a pool share. */
export interface PoolState {
  readonly piscina: Piscina
  readonly starts: ThreadStarts
  readonly activity: Activity
  /** Threads that the pool started with. */
  readonly startAtOnce: number
  /** One promise per job: a promise that outlives the jobs and is raced with them would keep their answers in memory. */
  readonly running: Set<RunningJob>
  /** Ids of the setups whose workers are open: threads close the engines of all others. */
  readonly openSetups: Set<number>
  /** Answers of abandoned jobs, whose threads still run. */
  readonly lost: Set<Promise<unknown>>
  readonly memory: MemoryWatch | undefined
  readonly memoryBytesMax: number
  isHung: boolean
}

interface JobOptions {
  /** Called for each message, with the same object `job` for all messages of one job. */
  onMessage(message: WorkerMessage, job: object): void
  /** Running jobs of the same task. */
  readonly jobs: Set<RunningJob>
  onAbandoned(error: FanmillError): void
  readonly control?: JobControl | undefined
}

/** Time that a job has to end after it was interrupted; a user function that does not return takes longer. */
export const stopMsMax = 3000

/** Runs a job on a thread, with a channel for its messages. */
export async function runJob(
  pool: PoolState,
  call: object,
  { jobs, onMessage, onAbandoned, control = {} }: JobOptions,
): Promise<unknown> {
  if (control.signal?.aborted) throw unneeded()
  watchExit()
  const { port1: port, port2: workerPort } = new MessageChannel()
  const closed = once(port, 'close')
  const { promise: abandonment, reject } = Promise.withResolvers<never>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const abandon = (error: FanmillError): void => {
    onAbandoned(error)
    reject(error)
  }
  const own: RunningJob = { port, abandon, ended, answering: ended }
  const forward = (message: WorkerMessage): void => onMessage(message, own)
  const handle = (message: WorkerMessage): void =>
    control.onMessage ? control.onMessage(message, forward) : forward(message)
  let answer: WorkerAnswer<unknown> | undefined
  port.on('message', (message: WorkerMessage | AnswerMessage) => {
    if ('answer' in message) answer = message.answer
    else handle(message)
  })
  let endTimer: NodeJS.Timeout | undefined
  const endUnneeded = async (): Promise<void> => {
    port.postMessage({ message: notNeeded, detail: {} } satisfies Interrupt)
    await pool.starts.allSoon()
    if (!pool.running.has(own)) return
    endTimer = setTimeout(() => {
      loseThread(pool, own)
      control.onGivenUp?.()
      reject(unneeded())
    }, stopMsMax)
  }
  control.signal?.addEventListener('abort', endUnneeded)
  for (const set of [jobs, pool.running]) set.add(own)
  pool.memory?.begin()
  try {
    own.answering = startJob(pool, { ...call, port: workerPort })
    await Promise.race([own.answering, abandonment])
    // The messages of the job come on another channel than the news that its thread is free, and may arrive later.
    await closed
    if (!answer) throw new TransientError('WORKER_DIED', 'a worker thread gave an answer that cannot be read')
    if ('error' in answer) throw fromPlain(answer.error)
    return answer.value
  } finally {
    clearTimeout(endTimer)
    control.signal?.removeEventListener('abort', endUnneeded)
    for (const set of [jobs, pool.running]) set.delete(own)
    // The caller may keep `own` longer, but not the answer.
    own.answering = ended
    answer = undefined
    if (pool.running.size === 0) pool.memory?.end()
    port.close()
    end()
    // Resets the progress, which a thread that died could not do.
    handle({ kind: 'underWay', bytesStaged: 0, bytesConverted: 0, rows: 0 })
  }
}

const notNeeded = 'another copy of the job ended first'
const unneeded = (): PermanentError => new PermanentError('ABORTED', notNeeded)

/** Remembers the thread of a job that does not end, so that the pool is not used any more and the process may end without it. */
export function loseThread(pool: PoolState, job: RunningJob): void {
  const { answering } = job
  recordLoss(job, answering)
  pool.isHung = true
  pool.lost.add(answering)
  const forget = (): void => void pool.lost.delete(answering)
  answering.then(forget, forget)
}

/** Gives a job to a free thread, or starts one for it: at first only as many as the pool started with, until these are loaded. */
async function startJob(pool: PoolState, call: Pick<JobLine, 'port'>): Promise<void> {
  const { piscina, starts, startAtOnce } = pool
  if (pool.running.size > startAtOnce) await starts.first
  const running = new Int32Array(new SharedArrayBuffer(4))
  try {
    await piscina.run({ ...call, running }, { transferList: [call.port] })
  } catch (error) {
    throw deathOf(error, pool, running)
  }
}

/** Piscina rejects a job only when it cannot be sent, when its thread has ended, or when no thread has loaded its modules. */
function deathOf(
  error: unknown,
  { starts: { fault }, activity }: PoolState,
  running: JobLine['running'],
): FanmillError {
  const hasBegun = Atomics.load(running, 0) === 1
  if (hasBegun) countWork(activity, -1)
  else if (error instanceof DOMException && error.name === 'DataCloneError') return notSendable(error)
  const cause = fault ?? error
  const { code, message } = cause as { code?: string; message: string }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const message =
      'a worker thread ran out of JavaScript memory; raise --memory or lower --workers (on AWS: tiers with more memory)'
    return new CapacityError('OUT_OF_MEMORY', message, {}, { cause })
  }
  const when = fault ? 'while it loaded its modules' : `${hasBegun ? 'during' : 'before'} its job`
  return new TransientError('WORKER_DIED', `a worker thread ended ${when}: ${message}`, {}, { cause })
}
