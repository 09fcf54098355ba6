/** Runs one task on this machine: the steps plan, process and commit over worker threads. */

import { groupBytesMax } from '../aws/tier.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { hiveNamesOf } from '../define/hive-names.ts'
import { layoutOf } from '../define/output-kind.ts'
import { sourceRoot } from '../define/source-paths.ts'
import { stagesOf } from '../define/task-stages.ts'
import type { FanmillError, TransientError } from '../errors/errors.ts'
import { withoutValues } from '../errors/public-error.ts'
import { requireColumns } from '../infer/require-columns.ts'
import { contentIdentity } from '../inputs/content-identity.ts'
import { type FoundInputs, findInputs } from '../inputs/find-inputs.ts'
import { inputWarnings } from '../inputs/input-warnings.ts'
import { type FetchedTables, fetchTables } from '../inputs/tables.ts'
import type { TaskResult } from '../model/events.ts'
import { nodeNameOf } from '../model/node-name.ts'
import { outputPathOf } from '../model/output-path.ts'
import { readParams } from '../model/param-values.ts'
import type { ReservedRun } from '../model/reserved-run.ts'
import { rowCodeOf } from '../model/run-identity.ts'
import { type SkippedMember, skippedLine } from '../model/skipped-member.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'
import { createGate } from '../process/gate.ts'
import { type PlannedRun, type RunBatchesOptions, type RunWatcher, runBatches } from '../process/run-batches.ts'
import { planTask, type TaskContext } from '../process/task-runner.ts'
import { renewRun } from '../runs/run-lease.ts'
import { outputPrefix } from '../state/state.ts'
import { urlBelow } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from '../threads/machine.ts'
import { neededPartitions } from '../threads/needed-partitions.ts'
import { environmentSecrets } from '../threads/secrets.ts'
import { batchTools, deliveryLimitFor, openTaskWorkers, partitionSetFor } from '../threads/task-workers.ts'
import { checkpointFiles } from './delta-checkpoints.ts'
import { createProgress, type Progress } from './progress.ts'
import { activeElsewhere, planEvents } from './run-events.ts'
import type { Session } from './session.ts'
import { leaseMs, type TaskRun } from './task-context.ts'
import { createTaskLog } from './task-log.ts'
import { rejectedCounts, resultOf } from './task-result.ts'

/** Result of a task; a failure comes with the counts that are known. */
export interface TaskEnd {
  readonly result: TaskResult
  readonly error?: FanmillError
}

/** Runs a task. A run that fails is a result with `error`. @throws when the definition, the parameters or the machine are wrong */
export async function runTask(session: Session, task: TaskDefinition): Promise<TaskEnd> {
  const started = Date.now()
  const params = readParams(task.params, session.options.params ?? {})
  await session.output.checkPlace?.(outputPrefix(outputPathOf(task, params)))
  const tables = await fetchTables(session, task, params)
  const name = nodeNameOf(task.name, params)
  const log = createTaskLog(session, name)
  const progress = createProgress(session, name, log)
  const stages = stagesOf(task)
  const partitions = partitionSetFor(stages.at(-1) ?? task)
  const deliveries = deliveryLimitFor(task, session.workers)
  const pools = stages.map((each, stage) =>
    progress.observe(openPool(session, each, { stage, params, tables, progress })),
  )
  const workers = pools[0] as Workers
  progress.enter('plan')
  const stop = (): void => {
    for (const each of pools) each.stop()
  }
  session.options.signal?.addEventListener('abort', stop)
  if (session.options.signal?.aborted) stop()
  try {
    const checking = layoutOf(task.output) ? openThreads(workers) : undefined
    const [checked, found] = await Promise.allSettled([checking, findInputs(findOptions(session, task, params))])
    // Missing columns are reported first: they explain a transform that fails for want of columns.
    if (found.status === 'fulfilled') await requireColumns(session.input, task, found.value)
    // Columns in paths that the template does not name are known only when inputs were found.
    const isNew = found.status === 'fulfilled' && addsColumns(task, found.value)
    const again = isNew ? await workers.run<'check'>(checkJob(found.value)) : undefined
    if (!again && checked.status === 'rejected') throw checked.reason
    const first = again?.schema ?? (checked.status === 'fulfilled' ? checked.value?.schema : undefined)
    const schema = await checkStages(pools, first)
    if (found.status === 'rejected') throw found.reason
    return await runFound(
      {
        ...{ session, task, params, schema, tables, pools, gate: createGate(), partitions, deliveries },
        ...{ progress, log, started },
      },
      found.value,
    )
  } finally {
    session.options.signal?.removeEventListener('abort', stop)
    for (const each of pools) await each.close()
    await log.end()
  }
}

/** Checks each later stage over the columns of the one before, where they are known, and returns those of the last. */
async function checkStages(
  [, ...later]: readonly Workers[],
  schema: WorkerResults['check']['schema'] | undefined,
): Promise<WorkerResults['check']['schema'] | undefined> {
  let exchanged = schema
  for (const workers of later)
    if (exchanged && exchanged.length > 0) exchanged = (await workers.run<'check'>({ kind: 'check', exchanged })).schema
  return exchanged
}

const checkJob = ({ hive, dataset }: FoundInputs) => ({ kind: 'check', hive, dataset }) as const

const addsColumns = ({ source, output }: TaskDefinition, { hive, dataset }: FoundInputs): boolean =>
  layoutOf(output) !== undefined && (dataset !== undefined || hive.some(name => !hiveNamesOf(source).includes(name)))

/** Lets each thread open its engine and run the user's setup while inputs are found; returns the first result, which the others repeat. */
async function openThreads(workers: Workers): Promise<WorkerResults['check']> {
  const opening = Array.from({ length: workers.threads }, () => workers.run<'check'>({ kind: 'check' }))
  // Errors of the others repeat that of the first.
  for (const each of opening) each.catch(() => undefined)
  return Promise.race(opening)
}

function findOptions(session: Session, task: TaskDefinition, params: ParamValues) {
  const { sample, signal } = session.options
  const identify = contentIdentity(session)
  return {
    input: inputStore(session, task),
    task,
    params,
    neededPartitions,
    checkpoints: checkpointFiles,
    identify,
    outputs: session.outputs,
    threads: session.workers,
    textBytes: session.memory.textBytes,
    sample,
    signal,
  }
}

/** Returns the store that holds the inputs of a task. */
const inputStore = (session: Session, { source }: TaskDefinition): Store => session[sourceRoot(source)]

interface PoolOptions {
  readonly stage: number
  readonly params: ParamValues
  readonly tables: FetchedTables
  readonly progress: Progress
}

function openPool(session: Session, task: TaskDefinition, { stage, params, tables, progress }: PoolOptions): Workers {
  const { bundle, memory, memoryBytesMax, stageFolder, partFolder, groupBytes, options } = session
  return openTaskWorkers({
    ...{ task, stage, params, bundle, memory, memoryBytesMax, stageFolder, partFolder },
    input: sourceRoot(task.source) === 'input' ? session.inputSpec : session.outputSpec,
    threads: session.workers,
    pool: () => session.pool,
    strict: options.strict,
    reads: options.reads,
    stageBytesMax: 4 * Math.max(groupBytes, groupBytesMax),
    tables: tables.files,
    secrets: environmentSecrets(task),
    onMessage: progress.onMessage,
  })
}

async function runFound(task: TaskRun, found: FoundInputs): Promise<TaskEnd> {
  const { session, log } = task
  const context = contextOf(task)
  const planned = await planTask(context, {
    found,
    schema: task.schema,
    ...packing(session),
    force: session.options.force,
  })
  if (planned.status !== 'new' && planned.status !== 'resume') warnOfInputs(task, found)
  if (planned.status === 'complete')
    return { result: resultOf(task, planned.runId, 'skipped', planned.manifest, found) }
  if (planned.status === 'busy')
    return { result: resultOf(task, planned.runId, 'failed', undefined, found), error: activeElsewhere(planned) }
  const lease = keepLease(task, planned.run)
  try {
    const manifest = await runBatches(context, planned, batchOptions(task, found, planned))
    log.note('info', 'complete', { generation: manifest.generation })
    return { result: resultOf(task, planned.run.runId, 'complete', manifest, found) }
  } catch (error) {
    const fault = error as FanmillError
    const status = fault.code === 'ABORTED' ? 'interrupted' : 'failed'
    log.note('error', fault.message, { status, code: fault.code })
    const result = resultOf(task, planned.run.runId, 'failed', undefined, found)
    return { result: { ...result, ...rejectedCounts(fault) }, error: fault }
  } finally {
    clearInterval(lease)
  }
}

function contextOf({ session, task, params, tables }: TaskRun): TaskContext {
  const { owner, output, options } = session
  return {
    ...{ owner, output, task, params, isAlive, leaseMs, now: Date.now, checkpoints: checkpointFiles },
    codeHash: rowCodeOf(session.codeHash(task), tables.identity, options),
    rejectsMax: options.rejectsMax,
    signal: options.signal,
  }
}

let tokens = 0

function batchOptions(taskRun: TaskRun, found: FoundInputs, planned: PlannedRun): RunBatchesOptions {
  const { session, task, pools, gate, partitions, deliveries, progress, log } = taskRun
  const stages = stagesOf(task)
  const { output, stageFolder, partFolder, groupBytes, options, owner } = session
  const { signal, failFast } = options
  const machine = { output, gate, stageFolder, partFolder, groupBytes, partitions, deliveries, signal }
  const watcher: RunWatcher = {
    onStart() {
      log.begin(planned.run)
      progress.begin(planned.run)
      emitPlan(taskRun, found, planned)
      warnOfInputs(taskRun, found)
      found.release()
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
  const onRepeat = ({ message }: TransientError, waitMs: number): void =>
    log.onMessage({ kind: 'log', level: 'warn', message: `${message}; trying again in ${Math.ceil(waitMs / 1000)} s` })
  const openTools = (stage: number) => {
    const own = stages[stage] ?? task
    const of = { task: own, input: inputStore(session, own), workers: pools[stage] as Workers }
    return batchTools({ ...machine, ...of, onSkip, onRepeat, token: `${owner.id.slice(0, 8)}${tokens++}` })
  }
  return { openTools, packing: packing(session), failFast, watcher }
}

const packing = ({ groupBytes, workers }: Session) => ({ batchBytes: groupBytes * workers })

/** Interval at which the lease is renewed and the log is saved. */
const renewMs = 20_000

function keepLease({ session, log }: TaskRun, run: ReservedRun): NodeJS.Timeout {
  const renew = (): void => {
    void log.save()
    void renewRun(session.output, run, { owner: session.owner, leaseUntil: Date.now() + leaseMs }).catch(
      () => undefined,
    )
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
function warnOfInputs({ log }: TaskRun, found: FoundInputs): void {
  for (const line of inputWarnings(found)) log.onMessage({ kind: 'log', ...line })
}
