/** Entry of a worker thread that only extracts members. It loads no engine and no pipeline, so that it starts at once. */
import type { MessagePort } from 'node:worker_threads'
import { throwIfAborted } from './errors/abort.ts'
import { PermanentError, toPlain } from './errors/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerResults } from './model/worker-job.ts'
import { openStore, type StoreSpec } from './store/open-store.ts'
import type { Store } from './store/store.ts'
import { openWorkerChannel } from './threads/channel.ts'
import { type ExtractJobOptions, runExtractJob } from './threads/extract-job.ts'

/** Setup of an extracting thread, sent with each job. */
export interface ExtractSetup extends Pick<ExtractJobOptions, 'limits' | 'onBadMember'> {
  readonly input: StoreSpec
}

let store: Store | undefined
const stopping = new AbortController()
const channel = openWorkerChannel(() => stopping.abort(new PermanentError('ABORTED', 'the run was stopped')))

interface ExtractCall {
  readonly setup: ExtractSetup
  readonly job: WorkerJob
  readonly port: MessagePort
}

export function work({ port, ...call }: ExtractCall): Promise<WorkerAnswer<WorkerResults['extract']>> {
  return channel.during(port, () => answer(call))
}

async function answer({ setup, job }: Omit<ExtractCall, 'port'>): Promise<WorkerAnswer<WorkerResults['extract']>> {
  try {
    // Jobs that were queued when the run was stopped still arrive.
    throwIfAborted(stopping.signal)
    if (job.kind !== 'extract') throw new PermanentError('STATE_INVALID', `expected a job to extract, got ${job.kind}`)
    const { limits, onBadMember } = setup
    store ??= openStore(setup.input)
    return {
      value: await runExtractJob(job, { store, limits, onBadMember, signal: stopping.signal, send: channel.send }),
    }
  } catch (error) {
    return { error: toPlain(error) }
  }
}
