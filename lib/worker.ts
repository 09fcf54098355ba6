/** A worker thread's entry: imports the bundle of the user's pipeline and does one job at a time. */
import { BroadcastChannel, workerData } from 'node:worker_threads'
import { toPlain } from './core/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerMessage } from './core/worker-job.ts'
import { type LoadableBundle, loadPipeline } from './io/bundle-load.ts'
import { openThread, type Thread, type ThreadSetup, taskNamed } from './worker-thread.ts'

export interface WorkerSetup extends ThreadSetup {
  readonly bundle: LoadableBundle
  readonly task: string
  /** Names the broadcast channels: `<name>` from threads, `<name>-stop` to them. */
  readonly channel: string
}

const setup = workerData as WorkerSetup
const told = new BroadcastChannel(setup.channel)
const stops = new BroadcastChannel(`${setup.channel}-stop`)
const thread = open()
thread.catch(() => undefined)
stops.onmessage = () => void thread.then(
  opened => opened.stop(),
  () => undefined,
)
for (const channel of [told, stops]) (channel as unknown as { unref(): void }).unref()

export default async function work(job: WorkerJob): Promise<WorkerAnswer<unknown>> {
  try {
    return { value: await (await thread).run(job as never) }
  } catch (error) {
    return { error: toPlain(error) }
  }
}

async function open(): Promise<Thread> {
  const pipeline = await loadPipeline(setup.bundle)
  return openThread(taskNamed(pipeline, setup.task), setup, (message: WorkerMessage) => told.postMessage(message))
}
