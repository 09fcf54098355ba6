/** The worker's side of the channel of a job: sends messages, and receives the orders to stop or to interrupt queries. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { throwIfAborted } from '../../errors/abort.ts'
import { type ErrorDetail, PermanentError, toPlain } from '../../errors/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerMessage } from '../../model/worker-job.ts'
import { countWork, isEnding, newActivity } from '../pool/end-with-process.ts'
import type { ThreadData } from './thread-traces.ts'

/** Order to end the running queries with an error of this message; the thread continues. */
export interface Interrupt {
  readonly message: string
  readonly detail: ErrorDetail
}

/** How a thread gets a job's orders and sends its messages, the last of which is the answer. */
export interface JobLine {
  readonly port: MessagePort
  /** Shared with the pool: 1 while the job runs. */
  readonly running: Int32Array<SharedArrayBuffer>
}

/** The last message of a job. */
export interface AnswerMessage {
  readonly answer: WorkerAnswer<unknown>
}

/** Message that a thread sends to its pool once, when it has loaded its modules. */
export const loadedMessage = 'fanmill-thread-loaded'

export interface WorkerChannel {
  /** Sends a message on the channel of the running job; between jobs it waits for the next one. */
  send(message: WorkerMessage): void
  /** Whether messages wait for the next job. */
  readonly isWaiting: boolean
  /** Runs a job with its channel, sends its answer, and closes the channel, after which no message of the job arrives. */
  during(line: JobLine, work: () => Promise<WorkerAnswer<unknown>>): Promise<void>
}

/** Opens the channel of a thread, whose entry has loaded its modules by then. */
// One port per job instead of a broadcast to all threads: a BroadcastChannel makes each receiver load Node's fetch first (40 ms).
export function openWorkerChannel(stop: () => void, interrupt: (why: Interrupt) => void = () => {}): WorkerChannel {
  parentPort?.postMessage(loadedMessage)
  const { activity = newActivity() } = workerData as Partial<ThreadData>
  countWork(activity, -1)
  let current: MessagePort | undefined
  const waiting: WorkerMessage[] = []
  return {
    send(message) {
      if (current) current.postMessage(message)
      else waiting.push(structuredClone(message))
    },
    get isWaiting() {
      return waiting.length > 0
    },
    async during({ port, running }, work) {
      port.on('message', (order: 'stop' | Interrupt) => (order === 'stop' ? stop() : interrupt(order)))
      current = port
      for (const message of waiting.splice(0)) port.postMessage(message)
      countWork(activity, 1)
      Atomics.store(running, 0, 1)
      const send = (answer: WorkerAnswer<unknown>): void => port.postMessage({ answer } satisfies AnswerMessage)
      try {
        send(isEnding(activity) ? { error: toPlain(processEnds()) } : await work())
      } catch (error) {
        // As a result of the function, Piscina would end the thread for it, or leave the job without an answer.
        send({ error: toPlain(notSendable(error)) })
      } finally {
        Atomics.store(running, 0, 0)
        countWork(activity, -1)
        current = undefined
        port.close()
      }
    },
  }
}

const processEnds = (): PermanentError => new PermanentError('ABORTED', 'the process ends')

/** Returns the error for a value or a result that cannot be sent between threads. Only those of `parallelMap` are not made by this library. */
export function notSendable(cause: unknown): PermanentError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '')
  const message = `parallelMap: expected values and results that can be sent between threads, got one that cannot: ${reason}; send plain data, and create functions in setup`
  return new PermanentError('USAGE', message, {}, { cause })
}

/** A job, as a pool without tasks sends it, and its setup. */
export interface Call<Setup> {
  readonly setup: Setup
  readonly job: WorkerJob
}

export interface JobTools extends Pick<WorkerChannel, 'send'> {
  /** Aborted when the pool stops. */
  readonly signal: AbortSignal
}

/** Opens the channel of a thread that opens no task, and returns what it does for each job. `stopped` is the reason of an abort. */
export function openPlainWork<Setup, Value>(
  stopped: string,
  run: (call: Call<Setup>, tools: JobTools) => Promise<Value>,
): (call: Call<Setup> & JobLine) => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const { during, send } = openWorkerChannel(() => stopping.abort(new PermanentError('ABORTED', stopped)))
  return ({ port, running, ...call }) =>
    during({ port, running }, async () => {
      try {
        // Jobs that were queued when the pool was stopped still arrive.
        throwIfAborted(signal)
        return { value: await run(call, { signal, send }) }
      } catch (error) {
        return { error: toPlain(error) }
      }
    })
}
