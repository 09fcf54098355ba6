/** Entry of a worker thread that maps values of a program. It loads no engine, so that it starts at once. */
import { PermanentError } from './errors/errors.ts'
import type { WorkerResults } from './model/worker-job.ts'
import { openPlainWork } from './threads/worker/channel.ts'
import { createMapContext, type MapSetup, mapValues, noteMapping } from './threads/worker/map-values.ts'

noteMapping()
let opening: ReturnType<typeof createMapContext> | undefined

export const work = openPlainWork<MapSetup, WorkerResults['map']>(
  'the map was stopped',
  async ({ setup, job }, { signal }) => {
    if (job.kind !== 'map') throw new PermanentError('STATE_INVALID', `expected values to map, got a job ${job.kind}`)
    opening ??= createMapContext(setup, signal)
    return mapValues(job, setup, { context: await opening, signal })
  },
)
