/** Runs a task whose inputs are found: the steps plan, process and commit. */
import { dirname } from 'node:path'
import { outputKind } from '../define/outputs/output-kind.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import { stagesOf } from '../define/tasks/task-stages.ts'
import type { FanmillError, TransientError } from '../errors/errors.ts'
import { withoutValues } from '../errors/public-error.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { inputWarnings } from '../inputs/input-warnings.ts'
import type { RunStatus, TaskResult } from '../model/events.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { type SkippedMember, skippedLine } from '../model/outcome/skipped-member.ts'
import { rowCodeOf } from '../model/run/identity.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import type { Workers } from '../model/worker-job.ts'
import { type PlannedRun, type RunBatchesOptions, type RunWatcher, runBatches } from '../process/run-batches.ts'
import { createPace } from '../process/share/pace.ts'
import { type PlanTaskOptions, planTask, type TaskContext } from '../process/task-runner.ts'
import type { ActingMachine } from '../programs/action-tools.ts'
import { renewRun } from '../runs/run-lease.ts'
import { urlBelow } from '../store/roots.ts'
import { batchTools } from '../threads/pool/task-workers.ts'
import { returnHeap } from '../threads/worker/return-heap.ts'
import { groupBytesOf } from './engine-threads.ts'
import { activeElsewhere, planEvents } from './log/run-events.ts'
import { planOptionsOf } from './plans/plan-options.ts'
import type { Session } from './session.ts'
import { type BegunTask, leaseMs, type TaskEnd, type TaskRun, thisMachine } from './task-context.ts'
import { rejectedCounts, resultOf } from './task-result.ts'

/** Plans the run of the inputs, processes its batches, and commits it. A run that fails is a result with `error`. */
export async function runFound(task: TaskRun, found: FoundInputs): Promise<TaskEnd> {
  const { log } = task
  const context = contextOf(task)
  const planned = await planTask(context, { ...planOptions(task, found), schema: task.schema })
  if (planned.status !== 'new' && planned.status !== 'resume') warnOfInputs(task, found)
  if (planned.status === 'complete')
    return { result: resultOf(task, planned.runId, 'skipped', planned.manifest, found) }
  if (planned.status === 'busy')
    return { result: resultOf(task, planned.runId, 'failed', undefined, found), error: activeElsewhere(planned) }
  const lease = keepLease(task, planned.run)
  const { reasons } = planned.run
  const end = (status: RunStatus, manifest?: Manifest): TaskResult => ({
    ...resultOf(task, planned.run.runId, status, manifest, found),
    ...(reasons && { reasons }),
  })
  try {
    const manifest = await runBatches(context, planned, batchOptions(task, found, planned))
    log.note('info', 'complete', { generation: manifest.generation })
    return { result: end('complete', manifest) }
  } catch (error) {
    const fault = error as FanmillError
    const status = fault.code === 'ABORTED' ? 'interrupted' : 'failed'
    log.note('error', fault.message, { status, code: fault.code })
    return { result: { ...end('failed'), ...rejectedCounts(fault) }, error: fault }
  } finally {
    clearInterval(lease)
  }
}

/** Returns the options of planning a run of these inputs. */
export function planOptions({ session, tables, ...begun }: BegunTask, found: FoundInputs): PlanTaskOptions {
  const { options } = session
  return { ...planOptionsOf({ ...begun, tablesIdentity: tables.identity, options }), found, ...packing(session) }
}

export function contextOf({ session, task, params, outputPath, tables }: BegunTask): TaskContext {
  const { owner, output, options } = session
  return {
    ...{ ...thisMachine(output), owner, output, task, params, outputPath },
    pipeline: session.pipeline.name,
    codeHash: rowCodeOf(session.codeHash(task), tables.identity, options),
    rejectsMax: options.rejectsMax,
    signal: options.signal,
  }
}

let tokens = 0

/** Planning fewer files or members leaves little behind, and a graph may plan thousands of nodes. */
const manyMembers = 10_000

function batchOptions(taskRun: TaskRun, found: FoundInputs, planned: PlannedRun): RunBatchesOptions {
  const { session, task, pools, gate, partitions, deliveries, progress, log } = taskRun
  const stages = stagesOf(task)
  const { output, stageFolder, partFolder, memory, options, owner, slowMsMin } = session
  const { signal, failFast } = options
  const machine = { output, gate, stageFolder, partFolder, partitions, deliveries, signal }
  const watcher: RunWatcher = {
    onStart() {
      log.begin(planned.run)
      progress.begin(planned.run)
      emitPlan(taskRun, found, planned)
      warnOfInputs(taskRun, found)
      found.release()
      if (found.memberCount >= manyMembers) returnHeap()
    },
    onPhase: phase => progress.enter(phase),
    onOutcome: outcome => {
      progress.batchDone(planned.run, outcome)
      const { batch, rowsWritten: rows, rowsRejected: rejects, seconds } = outcome
      log.note('debug', `batch ${batch} done`, { rows, rejects, seconds })
    },
    onFailure: ({ batch }, { code, message, detail }) =>
      log.note('error', `batch ${batch} failed: ${message}`, { code, ...withoutValues(detail) }),
    onStage: plan => {
      progress.reset()
      log.note('info', `stage ${(plan[0]?.stage ?? 0) + 1} of ${stages.length} begins`, { batches: plan.length })
    },
    onRepeat: () => progress.reset(),
  }
  const onSkip = (member: SkippedMember): void => log.onMessage({ kind: 'log', ...skippedLine(member) })
  const warn = (message: string): void => log.onMessage({ kind: 'log', level: 'warn', message })
  const onRepeat = ({ message }: TransientError, waitMs: number): void =>
    warn(`${message}; trying again in ${Math.ceil(waitMs / 1000)} s`)
  const paces = stages.map(({ output: each }) =>
    outputKind(each).delivery ? undefined : createPace({ now: () => performance.now(), slowMsMin }),
  )
  const openTools = (stage: number) => {
    const own = stages[stage] ?? task
    return batchTools({
      ...{ ...machine, task: own, pace: paces[stage], onSkip, onRepeat, warn },
      groupBytes: groupBytesOf(taskRun, own),
      engineBytes: memory.engineBytes,
      input: session[sourceRoot(own.source)],
      workers: pools[stage] as Workers,
      machine: actingMachine(taskRun),
      token: `${owner.id.slice(0, 8)}${tokens++}`,
    })
  }
  return { openTools, packing: packing(session), failFast, watcher }
}

/** The machine of a task that acts instead of reading rows, on this computer. */
function actingMachine({ session, secrets, log }: TaskRun): ActingMachine {
  const { bundle, input, output } = session
  return {
    folder: dirname(bundle.file),
    secrets,
    isDeployed: false,
    roots: { input: input.url, output: output.url },
    onMessage: message => message.kind === 'log' && log.onMessage(message),
  }
}

/** Returns how slices are packed into batches. */
export const packing = ({ groupBytes, workers }: Session) => ({ batchBytes: groupBytes * workers })

/** Interval at which the lease is renewed and the log is saved. */
const renewMs = 20_000

function keepLease({ session: { output, owner }, log }: TaskRun, run: ReservedRun): NodeJS.Timeout {
  const renew = (): void => {
    void log.save()
    void renewRun(output, run, { owner, leaseUntil: output.now() + leaseMs }).catch(() => undefined)
  }
  return setInterval(renew, renewMs).unref()
}

function emitPlan({ session, task, log, params }: TaskRun, found: FoundInputs, planned: PlannedRun): void {
  const { run, plan: items } = planned
  const counts = { inputs: run.inputs.length, members: found.memberCount, batches: items.length }
  log.note('info', `run of ${task.name} begins`, { attempt: run.attempt, params, ...counts })
  const output = urlBelow(session.outputSpec, run.outputPath)
  for (const event of planEvents(nodeNameOf(task.name, params), planned, { found, output })) session.emit(event)
}

/** Emits warnings about inputs, and logs them when there is a run. */
export function warnOfInputs({ log }: Pick<TaskRun, 'log'>, found: FoundInputs): void {
  for (const line of inputWarnings(found)) log.onMessage({ kind: 'log', ...line })
}
