/** Processes the batches of a planned run and commits them, again where parts were lost. */

import { commit } from '../commit/commit.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { PlanItem } from '../model/plan-data.ts'
import { partitioningOf } from '../paths/partition-limits.ts'
import { noteFailure, type ProcessTools, processBatch } from '../process/process.ts'
import type { ReservedRun } from '../runs/reserve.ts'
import { isAlive } from '../threads/machine.ts'
import { batchTools } from '../threads/task-workers.ts'
import { clock, leaseMs, type TaskRun } from './task-context.ts'
import { asFanmill, stopped } from './task-result.ts'

/** Two batches at a time: the next one's slices run while the last of the one before end. */
const batchesAtOnce = 2

/** The manifest of the committed run. @throws the first failure of a batch where nothing can be committed; PARTS_LOST */
export async function runPlanned(task: TaskRun, run: ReservedRun, items: readonly PlanItem[]): Promise<Manifest> {
  const { session, progress } = task
  const { rejectsMax, failFast } = session.options
  const output = task.task.output
  const options = { ...clock, owner: session.owner, isAlive, leaseMs, reservation: run, plan: items }
  let losses = 0
  for (let missing: readonly PlanItem[] = items; ; ) {
    progress.enter('process')
    const failed = await processAll(task, run, missing, failFast ?? false)
    if (failed && (failFast || endsRun(failed) || items.length === 1)) throw failed
    progress.enter('commit')
    const result = await commit(session.output, {
      ...options,
      ...partitioningOf(output),
      rejectsMax: rejectsMax ?? task.task.rejects.max,
    })
    if (result.done) return result.manifest
    if (result.partsLost && ++losses > lossesMax) throw partsLost(result.missing, run.outputPath)
    progress.again()
    missing = items.filter(item => result.missing.includes(item.batch))
  }
}

/** Something may clean up once or twice while a run works; what always does would keep it working for ever. */
const lossesMax = 3

const partsLost = (batches: readonly number[], outputPath: string): FanmillError =>
  new PermanentError(
    'PARTS_LOST',
    `${outputPath}: parts of ${batches.length} batches were gone before they were committed, ${lossesMax + 1} times; look for what removes files below .fanmill/pending of the output root, then run again`,
    { batches, outputPath },
  )

/** Whether the other batches can no longer bring the run to an end. */
const endsRun = ({ code }: FanmillError): boolean => code === 'ABORTED' || code === 'TOO_MANY_PARTITIONS'

/** The first failure, after every batch was settled; with `failFast` no further batch begins after it. */
async function processAll(
  task: TaskRun,
  run: ReservedRun,
  items: readonly PlanItem[],
  failFast: boolean,
): Promise<FanmillError | undefined> {
  const { session, progress } = task
  const queue = [...items]
  let first: FanmillError | undefined
  const drain = async (): Promise<void> => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      if (session.options.signal?.aborted || (first && (failFast || endsRun(first)))) return
      const tools = { ...processTools(task), isFirstTry: run.status === 'new' }
      try {
        const outcome = await processBatch(run, item, tools)
        progress.batchDone(run, outcome)
        task.log.note('debug', `batch ${item.batch} done`, {
          rows: outcome.rowsWritten,
          rejects: outcome.rowsRejected,
          seconds: outcome.seconds,
        })
      } catch (error) {
        const fault = asFanmill(error)
        first ??= fault
        task.log.note('error', `batch ${item.batch} failed: ${fault.message}`, { code: fault.code, ...fault.detail })
        // Deliberately no failure of the run, where the note cannot be written: what made the batch fail says more.
        if (fault.code !== 'ABORTED' && !session.options.signal?.aborted)
          await noteFailure(run, item, fault, tools).catch(() => undefined)
      }
    }
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, drain))
  return session.options.signal?.aborted ? stopped(session.options.signal.reason) : first
}

let tokens = 0

function processTools({ session, task, workers, gate, partitions }: TaskRun): ProcessTools {
  const { input, output, stageFolder, partFolder, groupBytes, options } = session
  const token = `${session.owner.id.slice(0, 8)}${tokens++}`
  const { signal } = options
  const machine = { input, output, workers, gate, stageFolder, partFolder, groupBytes }
  return batchTools({ ...machine, task, partitions, token, signal })
}
