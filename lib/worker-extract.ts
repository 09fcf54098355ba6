/** Entry of a worker thread that only extracts members. It loads no engine and no pipeline, so that it starts at once. */
import { PermanentError } from './errors/errors.ts'
import type { WorkerResults } from './model/worker-job.ts'
import { openStore, type StoreSpec } from './store/open-store.ts'
import type { Store } from './store/store.ts'
import { openPlainWork } from './threads/worker/channel.ts'
import { type ExtractJobOptions, runExtractJob } from './threads/worker/extract-job.ts'

/** Setup of an extracting thread, sent with each job. */
type ExtractSetup = Pick<ExtractJobOptions, 'limits' | 'onBadMember'> & { readonly input: StoreSpec }

let store: Store | undefined

export const work = openPlainWork<ExtractSetup, WorkerResults['extract']>(
  'the run was stopped',
  async ({ setup: { input, ...options }, job }, tools) => {
    if (job.kind !== 'extract') throw new PermanentError('STATE_INVALID', `expected a job to extract, got ${job.kind}`)
    store ??= openStore(input)
    return runExtractJob(job, { ...options, ...tools, store })
  },
)
