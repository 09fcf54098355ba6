/** Entry of a worker thread: imports the bundle of the user's pipeline and runs one job at a time, for any number of tasks. */
import { dirname } from 'node:path'
import { threadId, workerData } from 'node:worker_threads'
import { type LoadableBundle, loadPipeline } from './bundle/bundle-load.ts'
import type { PipelineDefinition } from './define/definition.ts'
import { stageOf } from './define/tasks/task-stages.ts'
import { startEngine } from './duckdb/engine.ts'
import { runStopped } from './errors/abort.ts'
import { PermanentError, toPlain } from './errors/errors.ts'
import { redactor } from './errors/redact.ts'
import { taskNamed } from './model/run/resolve-task.ts'
import type { WorkerAnswer, WorkerJob } from './model/worker-job.ts'
import { type JobLine, openWorkerChannel } from './threads/worker/channel.ts'
import { surviveUserCode } from './threads/worker/survival.ts'
import type { ThreadSetup } from './threads/worker/thread-state.ts'
import { noteThread, type RestedThread, type ThreadData } from './threads/worker/thread-traces.ts'
import { openThread, type Thread } from './threads/worker/worker-thread.ts'

export interface WorkerSetup extends ThreadSetup {
  readonly bundle: LoadableBundle
  readonly task: string
  /** The stage of the task; default the first. */
  readonly stage?: number | undefined
  /** Threads of the engine, which has the memory of as many engines; default 1. */
  readonly engineThreads?: number
}

interface WorkerCall extends JobLine {
  readonly setupId: number
  /** Ids of the setups that may have further jobs. */
  readonly openSetups: readonly number[]
  readonly setup: WorkerSetup
  readonly job: WorkerJob
}

/** Limit on the setups, each with an engine, that a thread keeps. */
const setupsMax = 2

/** A task, which may still be opening. */
interface OpenedTask {
  readonly thread: Promise<Thread>
  readonly stopping: AbortController
}

const survival = surviveUserCode()
/** Opened tasks by the id of their setup, the most recently used last. */
const threads = new Map<number, OpenedTask>()
/** The task of the running job. */
let current: OpenedTask | undefined
/** Runs that had jobs in this thread and have ended. */
let runsEnded = 0
const channel = openWorkerChannel(
  () => current?.stopping.abort(runStopped()),
  why => {
    current?.thread.then(thread => thread.interrupt(why)).catch(() => undefined)
  },
)

const { isKept } = workerData as ThreadData
/** Threads that end with their run, such as those on AWS, need not follow the modules and timers of the user's code. */
const isUnchanged = isKept ? noteThread() : () => false

export function work({ port, running, ...call }: WorkerCall): Promise<void> {
  return channel.during({ port, running }, () => answer(call))
}

/** Closes all tasks, because the run has ended. The next one loads its module anew, so that variables of the module begin anew too. */
export async function rest(): Promise<RestedThread> {
  const closing = [...threads.values()].map(closeThread)
  threads.clear()
  current = undefined
  runsEnded++
  await Promise.all(closing)
  return { thread: threadId, isUnchanged: isUnchanged() && !channel.isWaiting && !survival.takeUncaught() }
}

async function answer(call: Omit<WorkerCall, keyof JobLine>): Promise<WorkerAnswer<unknown>> {
  const { setup, job } = call
  const redact = redactor(setup.secrets ?? {})
  // An exception that escaped after a job, such as in a timer of one that was interrupted, is no fault of this one.
  const late = survival.takeUncaught()
  if (late) channel.send(redact({ kind: 'log', level: 'warn', message: `after a job had ended: ${late.message}` }))
  try {
    current = useThread(call)
    const value = await (await current.thread).run(job)
    const uncaught = survival.takeUncaught()
    return uncaught ? { error: redact(toPlain(uncaught)) } : { value }
  } catch (error) {
    return { error: redact(toPlain(error)) }
  }
}

/** Returns the task of a job, opened for its first job, and closes tasks that have no further jobs or were used least recently. */
function useThread({ setupId, openSetups, setup }: Omit<WorkerCall, keyof JobLine>): OpenedTask {
  const found = threads.get(setupId)
  threads.delete(setupId)
  const closing: Promise<void>[] = []
  for (const [id, task] of threads) {
    if (openSetups.includes(id) && threads.size < setupsMax) continue
    threads.delete(id)
    closing.push(closeThread(task))
  }
  const stopping = new AbortController()
  const task = found ?? { stopping, thread: Promise.all(closing).then(() => open(setup, stopping)) }
  threads.set(setupId, task)
  // A permanent error is thrown again for each job; after a transient one the next job tries again.
  task.thread.catch(error => {
    if (!(error instanceof PermanentError)) threads.delete(setupId)
  })
  return task
}

const closeThread = ({ thread }: OpenedTask): Promise<void> =>
  thread.then(opened => opened.close()).catch(() => undefined)

async function open(setup: WorkerSetup, stopping: AbortController): Promise<Thread> {
  const redact = redactor(setup.secrets ?? {})
  const { engineThreads = 1 } = setup
  const starting = startEngine({ threads: engineThreads, memoryBytes: engineThreads * setup.engineBytes })
  const { url } = setup.bundle
  const bundle = { ...setup.bundle, url: runsEnded === 0 ? url : `${url}?run=${runsEnded}` }
  try {
    const pipeline = await loadPipeline(bundle)
    const filesFolder = dirname(bundle.file)
    const taskOf = (loaded: PipelineDefinition) => stageOf(taskNamed(loaded, setup.task), setup.stage ?? 0)
    const loadCopy = async (copy: number) => taskOf(await loadPipeline(bundle, copy))
    const own = { ...setup, filesFolder, loadCopy, starting }
    return await openThread(taskOf(pipeline), own, message => channel.send(redact(message)), stopping)
  } catch (error) {
    await starting.discard()
    throw error
  }
}
