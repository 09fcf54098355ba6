/** Entry of a worker thread: imports the bundle of the user's pipeline and runs one job at a time. */
import { dirname } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import { type LoadableBundle, loadPipeline } from './bundle/bundle-load.ts'
import { PermanentError, toPlain } from './errors/errors.ts'
import { redactor } from './errors/redact.ts'
import { taskNamed } from './model/resolve-task.ts'
import type { WorkerAnswer, WorkerJob } from './model/worker-job.ts'
import { openWorkerChannel } from './threads/channel.ts'
import { surviveUserCode } from './threads/survival.ts'
import { openThread, type Thread, type ThreadSetup } from './threads/worker-thread.ts'

export interface WorkerSetup extends ThreadSetup {
  readonly bundle: LoadableBundle
  readonly task: string
}

const survival = surviveUserCode()
/** Opened by the first job, and by the next one when that failed of what may pass; a pool's jobs all have the same setup. */
let thread: Promise<Thread> | undefined
const channel = openWorkerChannel(
  () => {
    thread?.then(opened => opened.stop()).catch(() => undefined)
  },
  why => {
    thread?.then(opened => opened.interrupt(why)).catch(() => undefined)
  },
)

export default function work({ port, ...call }: WorkerCall): Promise<WorkerAnswer<unknown>> {
  return channel.during(port, () => answer(call))
}

async function answer({ setup, job }: Omit<WorkerCall, 'port'>): Promise<WorkerAnswer<unknown>> {
  const redact = redactor(setup.secrets ?? {})
  try {
    thread ??= open(setup).catch(forget)
    const value = await (await thread).run(job)
    const uncaught = survival.takeUncaught()
    return uncaught ? { error: redact(toPlain(uncaught)) } : { value }
  } catch (error) {
    return { error: redact(toPlain(error)) }
  }
}

function forget(error: unknown): never {
  if (!(error instanceof PermanentError)) thread = undefined
  throw error
}

interface WorkerCall {
  readonly setup: WorkerSetup
  readonly job: WorkerJob
  readonly port: MessagePort
}

async function open(setup: WorkerSetup): Promise<Thread> {
  const redact = redactor(setup.secrets ?? {})
  const pipeline = await loadPipeline(setup.bundle)
  const filesFolder = dirname(setup.bundle.file)
  return openThread(taskNamed(pipeline, setup.task), { ...setup, filesFolder }, message =>
    channel.send(redact(message)),
  )
}
