/** Drives the steps of one task over one context: the same on a laptop, in Lambda functions and in tests. */
import { type CommitResult, commit } from '../commit/commit.ts'
import { checkCode } from '../commit/run-code.ts'
import type { ParamValues, RejectLimit, TaskDefinition } from '../define/definition.ts'
import { isSalted, layoutOf } from '../define/outputs/output-kind.ts'
import { stagesOf } from '../define/tasks/task-stages.ts'
import { classOf, FanmillError, PermanentError } from '../errors/errors.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { PlanItem, Slice } from '../model/plan-data.ts'
import type { ReservedRun, RunFrame } from '../model/run/reserved-run.ts'
import { partitioningOf } from '../paths/partition-limits.ts'
import { lookAhead, type Outlook } from '../runs/look-ahead.ts'
import { type Planned, type PlanRequest, plan } from '../runs/plan.ts'
import type { ActorOptions } from '../state/files.ts'
import type { Store } from '../store/store.ts'
import { bucketsOf, enterStages, removeExchange, type StageOptions } from './next-stage.ts'
import { noteFailure, processBatch } from './process.ts'
import type { ProcessTools } from './process-tools.ts'

/** A task with everything that its steps depend on, and the process that works on it. */
export interface TaskContext extends ActorOptions {
  readonly task: TaskDefinition
  /** The name of its pipeline; absent where it runs without one. */
  readonly pipeline?: string
  readonly params: ParamValues
  /** Path of the output under the output root. */
  readonly outputPath: string
  /** Hash of what rows depend on besides inputs and parameters, from `rowCodeOf`. */
  readonly codeHash: string
  /** Hash of the shipped code that runs; default the deployed code. */
  readonly shipped?: string | undefined
  /** Holds the output and the state. */
  readonly output: Store
  /** Default the task's own limit. */
  readonly rejectsMax?: RejectLimit['max'] | undefined
  /** Stops the work; its reason becomes the error. */
  readonly signal?: AbortSignal | undefined
}

/** The inputs that were found, and how they are packed into batches. */
export type PlanTaskOptions = Pick<
  PlanRequest,
  | 'found'
  | 'upstream'
  | 'codeParts'
  | 'inputNoun'
  | 'reads'
  | 'batchBytes'
  | 'requestBytes'
  | 'schema'
  | 'force'
  | 'resume'
  | 'mayRoll'
>

/** Reserves the run of the inputs and writes its plan. @throws as `reserveRun` */
export function planTask(context: TaskContext, options: PlanTaskOptions): Promise<Planned> {
  return plan(context.output, requestOf(context, options))
}

/** Finds out what `planTask` would decide, without changing anything. */
export function lookAheadTask(context: TaskContext, options: PlanTaskOptions): Promise<Outlook> {
  const { inputs, isTargetMissing } = options.found
  const request = { ...requestOf(context, options), inputs, isTargetMissing, skipped: undefined }
  return lookAhead(context.output, request)
}

function requestOf(context: TaskContext, options: PlanTaskOptions): PlanRequest {
  const { task, output: _, ...rest } = context
  const { kind: outputKind, mode } = task.output
  const { partitionBy } = partitioningOf(task.output)
  const bucketsFor = isStaged(task)
    ? (batches: readonly (readonly Slice[])[], stage: number) => bucketsOf(task, stage, batches)
    : undefined
  const output = { outputKind, isSalted: isSalted(task.output), mode, partitionBy }
  return { ...rest, ...options, ...output, task: task.name, bucketsFor }
}

/**
 * Processes one batch with the tools that `openTools` returns. A failure is noted for `status` and for commit's message.
 * @throws RUN_CHANGED when other code planned the run; as `processBatch`; always a FanmillError
 */
export async function processItem(
  { codeHash, shipped, output, now, signal }: Pick<TaskContext, 'codeHash' | 'shipped' | 'output' | 'now' | 'signal'>,
  run: RunFrame,
  item: PlanItem,
  openTools: () => ProcessTools | Promise<ProcessTools>,
): Promise<Outcome> {
  try {
    checkCode(run, { codeHash, shipped, now: now() })
    return await processBatch(run, item, await openTools())
  } catch (error) {
    const fault = faultOf(error, signal)
    // Deliberately ignored when the note cannot be written: the reason why the batch failed matters more.
    if (fault.code !== 'ABORTED') await noteFailure(run, item, fault, { output, now }).catch(() => undefined)
    throw fault
  }
}

const isStaged = (task: TaskDefinition): boolean => stagesOf(task).length > 1

/**
 * Commits the run, or plans its next stage and returns the batches of it. `items` are the plan of the stage whose batches were
 * processed. A task that is no longer in the pipeline is other code, so that only a commit under way is completed.
 * @throws as `commit`
 */
export async function commitTask(
  context: Omit<TaskContext, 'task' | 'params' | 'outputPath'> & { readonly task: TaskDefinition | undefined },
  reservation: ReservedRun,
  { items, packing }: Pick<StageOptions, 'packing'> & { readonly items: readonly PlanItem[] },
): Promise<CommitResult> {
  const { task, output, rejectsMax = task?.rejects.max ?? 0, ...rest } = context
  const kept = task && keptBy(task.output)
  const options = { ...rest, ...partitioningOf(task?.output), ...kept, rejectsMax, reservation, plan: items }
  if (!task || !isStaged(task)) return commit(output, options)
  const last = await enterStages(output, { ...options, partitionsMax: undefined, task, packing })
  if ('missing' in last) return last
  const result = await commit(output, { ...options, ...last })
  if (result.done) await removeExchange(output, reservation)
  return result.done || last.plan === items ? result : { ...result, next: last.plan }
}

/** Returns how an output keeps rows by key, or in which order, as the manifest has it. */
function keptBy(output: TaskDefinition['output']): Pick<Manifest, 'bucketBy' | 'order'> {
  const { bucketBy, order } = layoutOf(output) ?? {}
  return {
    bucketBy: bucketBy && { columns: [...bucketBy.columns], buckets: bucketBy.buckets },
    order: order && { columns: [...order.columns], descending: [...order.descending] },
  }
}

/** Returns any error as a FanmillError; after an abort the reason of the abort. */
export function faultOf(error: unknown, signal?: AbortSignal): FanmillError {
  if (signal?.aborted) return withCopyFault(stopFault(signal), error)
  if (error instanceof FanmillError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new PermanentError('ENGINE_FAILED', message, {}, { cause: error })
}

function stopFault({ reason }: AbortSignal): FanmillError {
  if (reason instanceof FanmillError) return reason
  return new PermanentError('ABORTED', 'the run was stopped; run it again to resume', {}, { cause: reason })
}

/** Adds why a second copy of a share had failed, when the run was stopped because the first did not end. */
function withCopyFault(fault: FanmillError, error: unknown): FanmillError {
  const { copyFault } = error instanceof FanmillError ? error.detail : {}
  if (copyFault === undefined) return fault
  const message = `${fault.message}; before that, ${copyFault}`
  return new (classOf(fault))(fault.code, message, { ...fault.detail, copyFault }, { cause: error })
}
