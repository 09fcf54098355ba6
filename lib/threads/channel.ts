/** The worker's side of the channel of a job: sends messages, and receives the orders to stop or to interrupt queries. */
import { type MessagePort, parentPort } from 'node:worker_threads'
import type { ErrorDetail } from '../errors/errors.ts'
import type { WorkerMessage } from '../model/worker-job.ts'

/** Order to end the running queries with an error of this message; the thread continues. */
export interface Interrupt {
  readonly message: string
  readonly detail: ErrorDetail
}

/** Message that a thread sends to its pool once, when it has loaded its modules. */
export const loadedMessage = 'fanmill-thread-loaded'

export interface WorkerChannel {
  /** Sends a message on the channel of the running job; between jobs it waits for the next one. */
  send(message: WorkerMessage): void
  /** Whether messages wait for the next job. */
  readonly isWaiting: boolean
  /** Runs a job with its channel, and closes the channel, after which no message of the job arrives. */
  during<T>(port: MessagePort, work: () => Promise<T>): Promise<T>
}

/** Opens the channel of a thread, whose entry has loaded its modules by then. */
// One port per job instead of a broadcast to all threads: a BroadcastChannel makes each receiver load Node's fetch first (40 ms).
export function openWorkerChannel(stop: () => void, interrupt: (why: Interrupt) => void = () => {}): WorkerChannel {
  parentPort?.postMessage(loadedMessage)
  let current: MessagePort | undefined
  const waiting: WorkerMessage[] = []
  return {
    send(message) {
      if (current) current.postMessage(message)
      else waiting.push(message)
    },
    get isWaiting() {
      return waiting.length > 0
    },
    async during(port, work) {
      port.on('message', (order: 'stop' | Interrupt) => (order === 'stop' ? stop() : interrupt(order)))
      current = port
      for (const message of waiting.splice(0)) port.postMessage(message)
      try {
        return await work()
      } finally {
        current = undefined
        port.close()
      }
    },
  }
}
