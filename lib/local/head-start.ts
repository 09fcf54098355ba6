/** Gives the engine its work while the inputs are identified and the run is planned: reading all bytes for a hash takes about as long. */
import type { TaskDefinition } from '../define/definition.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import type { ShareJob, ShareResult } from '../model/share.ts'
import type { JobControl, JobKind, WorkerJob, WorkerResults, Workers } from '../model/worker-job.ts'
import { bucketsOf } from '../process/next-stage.ts'
import { batchesOf } from '../runs/plan.ts'
import { inputOf } from '../state/plan-files.ts'
import { groupBytesOf } from './engine-threads.ts'
import { packing } from './found-run.ts'
import type { BegunTask } from './task-context.ts'

/** Enough for the time that the rest of planning takes; a run that is resumed may need other batches. */
const batchesAhead = 2

interface BegunShare {
  readonly result: Promise<ShareResult>
  readonly ending: AbortController
  /** Forwards its messages, which are held back until the run requests the share: it may never do so. */
  forward(): void
}

/** Creates the head start of the first stage of a task, whose workers run one job at a time, so that a batch is one share. */
export function headStart(begun: BegunTask, stage: TaskDefinition, workers: Workers) {
  const { session, task } = begun
  const shares = new Map<string, BegunShare>()
  const end = (): void => {
    for (const { ending } of shares.values()) ending.abort()
    shares.clear()
  }
  const run = <K extends JobKind>(job: WorkerJob<K>, control?: JobControl): Promise<WorkerResults[K]> => {
    if (!('slices' in job)) return workers.run(job, control)
    const name = nameOf(job)
    const share = shares.get(name)
    // Removed, so that a share that is repeated is processed again.
    shares.delete(name)
    if (share) {
      share.forward()
      return share.result as Promise<WorkerResults[K]>
    }
    // The run requests another share, which must not wait for those that have begun.
    end()
    return workers.run(job, control)
  }
  return {
    /** The same workers, which do not repeat the work that has begun. */
    workers: Object.create(workers, { run: { value: run } }) as Workers,
    /** Begins the first batches of files that were listed. */
    begin({ inputs, cut }: Pick<FoundInputs, 'inputs' | 'cut'>): void {
      const batches = batchesOf(cut(inputs), packing(session))
      const shared = { groupBytes: groupBytesOf(begun, stage), buckets: bucketsOf(task, 0, batches) }
      for (const [batch, slices] of batches.slice(0, batchesAhead).entries()) {
        const own = Object.fromEntries(slices.map(slice => [slice.input, inputOf(inputs, slice)]))
        const target = `${session.partFolder}/${batch}-ahead`
        const job = { kind: 'share', slices, inputs: own, target, ...shared } as const
        shares.set(nameOf(job), beginShare(job, workers))
      }
    },
    /** Ends the shares that have begun and that the run has not requested. */
    end,
  }
}

function beginShare(job: ShareJob, workers: Workers): BegunShare {
  const ending = new AbortController()
  let held: (() => void)[] | undefined = []
  const result = workers.run<'share'>(job, {
    signal: ending.signal,
    onMessage: (message, forward) => (held ? void held.push(() => forward(message)) : forward(message)),
  })
  // The run gets the error when it requests the share.
  result.catch(() => undefined)
  const forward = (): void => {
    for (const send of held ?? []) send()
    held = undefined
  }
  return { result, ending, forward }
}

/** Names the work of a share by all that its result depends on. */
function nameOf({
  slices,
  inputs,
  buckets,
  keyTypes,
}: Pick<ShareJob, 'slices' | 'inputs' | 'buckets' | 'keyTypes'>): string {
  const versions = Object.entries(inputs).map(([at, { key, etag }]) => [at, key, etag])
  const whole = slices.map(({ slice, input, bytes }) => [slice, input, bytes])
  return JSON.stringify([whole, versions, buckets, keyTypes])
}
