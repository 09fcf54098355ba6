/** A worker thread's side of its jobs' channels: it sends what it does, and receives when it is to stop, or to interrupt its query. */
import type { MessagePort } from 'node:worker_threads'
import type { ErrorDetail } from '../errors/errors.ts'
import type { WorkerMessage } from '../model/worker-job.ts'

/** Why the queries that run are to end, while the thread goes on. */
export interface Interrupt {
  readonly message: string
  readonly detail: ErrorDetail
}

export interface WorkerChannel {
  /** By the channel of the job at work; between jobs it waits for the next one. */
  tell(message: WorkerMessage): void
  /** Does a job whose channel this is, and closes it: what was told before arrives before the close. */
  during<T>(port: MessagePort, work: () => Promise<T>): Promise<T>
}

// A port a job, not a broadcast to all threads: the events of a broadcast make each receiver load Node's fetch first (40 ms).
export function openWorkerChannel(stop: () => void, interrupt: (why: Interrupt) => void = () => {}): WorkerChannel {
  let current: MessagePort | undefined
  const waiting: WorkerMessage[] = []
  return {
    tell(message) {
      if (current) current.postMessage(message)
      else waiting.push(message)
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
