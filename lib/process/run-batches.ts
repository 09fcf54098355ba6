/** Processes all batches of a planned run in this process, commits them, and ends the run. */
import { countLosses } from '../commit/lost-parts.ts'
import { yieldClaim } from '../commit/settle-head.ts'
import type { FanmillError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { Planned } from '../runs/plan.ts'
import { endRun } from '../runs/run-lease.ts'
import { actorOf } from '../state/files.ts'
import type { StageOptions } from './next-stage.ts'
import type { ProcessTools } from './process-tools.ts'
import { commitTask, faultOf, processItem, type TaskContext } from './task-runner.ts'

/** A run that this process reserved, with its batches. */
export type PlannedRun = Extract<Planned, { readonly plan: unknown }>

export interface RunBatchesOptions extends Pick<StageOptions, 'packing'> {
  /** Returns the tools for one try of a batch of a stage. */
  openTools(stage: number): ProcessTools
  /** Ends at the first failed batch; default false, so that the others are finished first. */
  readonly failFast?: boolean | undefined
  readonly watcher?: RunWatcher
}

/** Is called as the run proceeds. */
export interface RunWatcher {
  onStart?(): void
  onPhase?(phase: 'process' | 'commit'): void
  onOutcome?(outcome: Outcome): void
  onFailure?(item: PlanItem, fault: FanmillError): void
  /** A further stage was planned. */
  onStage?(plan: readonly PlanItem[]): void
  /** Some batches are processed again. */
  onRepeat?(): void
}

/** Returns the manifest of the committed run. @throws the first failure of a batch where nothing can be committed; PARTS_LOST; as `commit` */
export async function runBatches(
  context: TaskContext,
  planned: PlannedRun,
  options: RunBatchesOptions,
): Promise<Manifest> {
  const { output, owner, now, signal, outputPath } = context
  try {
    options.watcher?.onStart?.()
    const manifest = await processAndCommit(context, planned, options)
    await endRun(output, planned.run, { owner, now, status: 'complete' })
    return manifest
  } catch (error) {
    const fault = faultOf(error, signal)
    const status = fault.code === 'ABORTED' ? 'interrupted' : 'failed'
    // Deliberately ignored when the end cannot be written: the reason why the run failed matters more.
    await yieldClaim(actorOf(output, context), outputPath).catch(() => undefined)
    await endRun(output, planned.run, { owner, now, status, error: fault }).catch(() => undefined)
    throw fault
  }
}

async function processAndCommit(
  context: TaskContext,
  planned: PlannedRun,
  options: RunBatchesOptions,
): Promise<Manifest> {
  const { run } = planned
  const { failFast = false, packing, watcher = {} } = options
  let losses = 0
  let items = planned.plan
  for (let missing = items; ; ) {
    watcher.onPhase?.('process')
    const failed = await processAll(context, { ...planned, plan: missing }, options)
    if (failed && (failFast || endsRun(failed) || items.length === 1)) throw failed
    watcher.onPhase?.('commit')
    const result = await commitTask(context, run, { items, packing })
    if (result.done) return result.manifest
    losses = countLosses(losses, result, run.outputPath)
    if (result.next) watcher.onStage?.(result.next)
    else watcher.onRepeat?.()
    items = result.next ?? items
    missing = items.filter(item => result.missing.includes(item.batch))
  }
}

/** Whether the other batches can no longer bring the run to an end. */
const endsRun = ({ code }: FanmillError): boolean => code === 'ABORTED' || code === 'TOO_MANY_PARTITIONS'

/** The slices of the next batch run while the last slices of the one before end. */
const batchesAtOnce = 2

/** Returns the first failure, after every batch was settled; with `failFast` no further batch begins after it. */
async function processAll(
  context: TaskContext,
  { run, status, plan: items }: PlannedRun,
  { openTools, failFast = false, watcher = {} }: RunBatchesOptions,
): Promise<FanmillError | undefined> {
  const { signal } = context
  const queue = [...items]
  const isFirstTry = status === 'new'
  let first: FanmillError | undefined
  const drain = async (): Promise<void> => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      if (signal?.aborted || (first && (failFast || endsRun(first)))) return
      try {
        const outcome = await processItem(context, run, item, () => ({ ...openTools(item.stage ?? 0), isFirstTry }))
        watcher.onOutcome?.(outcome)
      } catch (error) {
        const fault = error as FanmillError
        first = fault.detail.copyFault === undefined ? (first ?? fault) : fault
        watcher.onFailure?.(item, fault)
      }
    }
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, drain))
  return signal?.aborted ? faultOf(first, signal) : first
}
