/** Entry of a worker thread that maps values of a program. It loads no engine, so that it starts at once. */
import type { MessagePort } from 'node:worker_threads'
import { throwIfAborted } from './errors/abort.ts'
import { PermanentError, toPlain } from './errors/errors.ts'
import type { WorkerAnswer, WorkerJob, WorkerResults } from './model/worker-job.ts'
import { openWorkerChannel } from './threads/channel.ts'
import { createMapContext, type MapSetup, mapValues, noteMapping } from './threads/map-values.ts'

interface MapCall {
  readonly setup: MapSetup
  readonly job: WorkerJob
  readonly port: MessagePort
}

noteMapping()
const stopping = new AbortController()
const channel = openWorkerChannel(() => stopping.abort(new PermanentError('ABORTED', 'the map was stopped')))
let opening: Promise<unknown> | undefined

export function work({ port, ...call }: MapCall): Promise<WorkerAnswer<WorkerResults['map']>> {
  return channel.during(port, () => answer(call))
}

async function answer({ setup, job }: Omit<MapCall, 'port'>): Promise<WorkerAnswer<WorkerResults['map']>> {
  const { signal } = stopping
  try {
    // Jobs that were queued when the map was stopped still arrive.
    throwIfAborted(signal)
    if (job.kind !== 'map') throw new PermanentError('STATE_INVALID', `expected values to map, got a job ${job.kind}`)
    opening ??= createMapContext(setup, signal)
    return { value: await mapValues(job, setup, { context: await opening, signal }) }
  } catch (error) {
    return { error: toPlain(error) }
  }
}
