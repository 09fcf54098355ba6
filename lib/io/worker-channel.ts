/** A worker thread's side of its pool's channels: it tells what it does, and hears when it is to stop. */
import { BroadcastChannel } from 'node:worker_threads'
import type { WorkerMessage } from '../core/worker-job.ts'

export interface WorkerChannel {
  tell(message: WorkerMessage): void
  onStop(stop: () => void): void
}

/** `name` is that which `openWorkers` gives in the thread's `workerData`. The channels do not keep the thread alive. */
export function openWorkerChannel(name: string): WorkerChannel {
  const told = new BroadcastChannel(name)
  const stops = new BroadcastChannel(`${name}-stop`)
  for (const channel of [told, stops]) (channel as unknown as { unref(): void }).unref()
  return {
    tell: message => told.postMessage(message),
    onStop(stop) {
      stops.onmessage = stop
      // Setting a listener makes it keep the thread alive again.
      ;(stops as unknown as { unref(): void }).unref()
    },
  }
}
