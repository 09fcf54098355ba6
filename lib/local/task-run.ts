/** Runs one task on this machine: the steps plan, process and commit over worker threads. */

import { FanmillError, PermanentError } from '../core/errors.ts'
import type { RunStatus, TaskResult } from '../core/events.ts'
import { inputWarnings } from '../core/input-warnings.ts'
import type { Manifest } from '../core/manifest.ts'
import { outputPathOf } from '../core/output-path.ts'
import { readParams } from '../core/param-values.ts'
import { partitioningOf } from '../core/partition-limits.ts'
import type { PartitionSet } from '../core/partition-set.ts'
import type { PlanItem } from '../core/plan-data.ts'
import { rowCodeOf } from '../core/run-identity.ts'
import { outputPrefix } from '../core/state.ts'
import { countsOf } from '../core/task-counts.ts'
import { groupBytesMax } from '../core/tier.ts'
import type { WorkerResults, Workers } from '../core/worker-job.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { hiveNamesOf } from '../define/hive-names.ts'
import { environmentSecrets } from '../io/secrets.ts'
import { commit } from '../steps/commit.ts'
import { type FoundInputs, findInputs } from '../steps/find-inputs.ts'
import { createGate, type Gate } from '../steps/gate.ts'
import { type Planned, plan } from '../steps/plan.ts'
import { noteFailure, type ProcessTools, processBatch } from '../steps/process.ts'
import type { BusyRun, ReservedRun } from '../steps/reserve.ts'
import { endRun, renewRun } from '../steps/run-lease.ts'
import { contentIdentity } from './content-identity.ts'
import { isAlive } from './machine.ts'
import { createProgress, type Progress } from './progress.ts'
import { requireColumns } from './require-columns.ts'
import { urlBelow } from './roots.ts'
import type { Session } from './session.ts'
import { type FetchedTables, fetchTables } from './tables.ts'
import { createTaskLog, type TaskLog } from './task-log.ts'
import { batchTools, openTaskWorkers, partitionSetFor } from './task-workers.ts'

/** What became of a task; a failure comes with what is known of the run. */
export interface TaskEnd {
  readonly result: TaskResult
  readonly error?: FanmillError
}

/** Throws only for what is wrong before a run begins: the definition, parameters, the machine. */
export async function runTask(session: Session, task: TaskDefinition): Promise<TaskEnd> {
  const started = Date.now()
  const params = readParams(task.params, session.options.params ?? {})
  await session.output.checkPlace?.(outputPrefix(outputPathOf(task, params)))
  const tables = await fetchTables(session, task, params)
  const log = createTaskLog(session, task.name)
  const progress = createProgress(session, task.name, log)
  const partitions = partitionSetFor(task)
  const workers = progress.watching(openPool(session, task, params, tables, progress))
  progress.enter('plan')
  const stop = (): void => workers.stop()
  session.options.signal?.addEventListener('abort', stop)
  if (session.options.signal?.aborted) stop()
  try {
    const checking = task.output.kind === 'parquet' ? openThreads(workers) : undefined
    const [checked, found] = await Promise.allSettled([checking, findInputs(findOptions(session, task, params))])
    // What the input's columns are explains more than that the transform knows none.
    if (found.status === 'fulfilled') await requireColumns(session.input, task, found.value)
    // Columns in paths that the template does not name are known only now.
    const isNew = found.status === 'fulfilled' && addsColumns(task, found.value)
    const again = isNew ? await workers.run<'check'>({ kind: 'check', hive: found.value.hive }) : undefined
    if (!again && checked.status === 'rejected') throw checked.reason
    const schema = again?.schema ?? (checked.status === 'fulfilled' ? checked.value?.schema : undefined)
    if (found.status === 'rejected') throw found.reason
    return await runFound(
      { session, task, params, schema, tables, workers, gate: createGate(), partitions, progress, log, started },
      found.value,
    )
  } finally {
    session.options.signal?.removeEventListener('abort', stop)
    await workers.close()
    await log.end()
  }
}

const addsColumns = ({ source, output }: TaskDefinition, { hive }: FoundInputs): boolean =>
  output.kind === 'parquet' && hive.some(name => !hiveNamesOf(source).includes(name))

/** Each thread opens its engine and runs the user's setup while the inputs are found; the first that has says whether the definition holds. */
async function openThreads(workers: Workers): Promise<WorkerResults['check']> {
  const opening = Array.from({ length: workers.threads }, () => workers.run<'check'>({ kind: 'check' }))
  // What one says the others say too.
  for (const each of opening) each.catch(() => undefined)
  return Promise.race(opening)
}

interface TaskRun {
  readonly session: Session
  readonly task: TaskDefinition
  readonly params: ParamValues
  /** The columns that come out; none where only the first input tells. */
  readonly schema: WorkerResults['check']['schema'] | undefined
  readonly tables: FetchedTables
  readonly workers: Workers
  readonly gate: Gate
  readonly partitions: PartitionSet | undefined
  readonly progress: Progress
  readonly log: TaskLog
  readonly started: number
}

function findOptions(session: Session, task: TaskDefinition, params: ParamValues) {
  const { sample, signal } = session.options
  const identify = contentIdentity(session)
  return {
    input: session.input,
    task,
    params,
    identify,
    outputs: session.outputs,
    threads: session.workers,
    textBytes: session.memory.textBytes,
    ...(sample !== undefined && { sample }),
    ...(signal && { signal }),
  }
}

function openPool(
  session: Session,
  task: TaskDefinition,
  params: ParamValues,
  tables: FetchedTables,
  progress: Progress,
): Workers {
  const {
    bundle,
    inputSpec: input,
    workers: threads,
    memory,
    memoryBytesMax,
    stageFolder,
    partFolder,
    groupBytes,
    options,
  } = session
  const stageBytesMax = 4 * Math.max(groupBytes, groupBytesMax)
  const machine = {
    bundle,
    input,
    threads,
    memory,
    memoryBytesMax,
    stageFolder,
    partFolder,
    stageBytesMax,
    strict: options.strict,
    reads: options.reads,
  }
  const secrets = environmentSecrets(task)
  return openTaskWorkers({
    ...machine,
    open: session.threads.take,
    task,
    params,
    tables: tables.files,
    secrets,
    onMessage: progress.hear,
  })
}

async function runFound(task: TaskRun, found: FoundInputs): Promise<TaskEnd> {
  const { session } = task
  const planned = await plan(session.output, planRequest(task, found))
  if (planned.status !== 'new' && planned.status !== 'resume') warnOfInputs(task, found)
  if (planned.status === 'complete')
    return { result: resultOf(task, planned.runId, 'skipped', planned.manifest, found) }
  if (planned.status === 'busy')
    return { result: resultOf(task, planned.runId, 'failed', undefined, found), error: activeElsewhere(planned) }
  const lease = keepLease(task, planned.run)
  try {
    task.log.begin(planned.run)
    task.progress.begin(planned.run)
    tellPlan(task, found, planned)
    warnOfInputs(task, found)
    found.release()
    const manifest = await runPlanned(task, planned.run, planned.plan)
    await endRun(session.output, planned.run, { ...clock, owner: session.owner, status: 'complete' })
    task.log.note('info', 'complete', { generation: manifest.generation })
    return { result: resultOf(task, planned.run.runId, 'complete', manifest, found) }
  } catch (error) {
    const fault = session.options.signal?.aborted ? stopped(session.options.signal.reason) : asFanmill(error)
    const status = fault.code === 'ABORTED' ? 'interrupted' : 'failed'
    task.log.note('error', fault.message, { status, code: fault.code })
    await endRun(session.output, planned.run, { ...clock, owner: session.owner, status, error: fault }).catch(
      () => undefined,
    )
    const result = resultOf(task, planned.run.runId, 'failed', undefined, found)
    return { result: { ...result, ...rejectedCounts(fault) }, error: fault }
  } finally {
    clearInterval(lease)
  }
}

function activeElsewhere({ runId, owner }: BusyRun): PermanentError {
  const { pid, host, startedAt } = owner
  const who = `${pid === undefined ? 'a process' : `process ${pid}`} on ${host} since ${startedAt}`
  const message = `run ${runId} is being worked on by ${who}; wait for its end: fanmill status ${runId}`
  return new PermanentError('RUN_ACTIVE', message, { runId, owner })
}

/** What a run with too many rejects had read, though nothing of it was committed. */
function rejectedCounts({ code, detail }: FanmillError): Partial<TaskResult> {
  if (code !== 'REJECTS_OVER_LIMIT') return {}
  return { rowsRead: Number(detail.records), rowsRejected: Number(detail.rejected) }
}

const clock = { now: () => Date.now() }
const leaseMs = 60_000

function planRequest({ session, task, params, schema, tables }: TaskRun, found: FoundInputs) {
  const { output } = task
  return {
    ...clock,
    owner: session.owner,
    isAlive,
    leaseMs,
    found,
    batchBytes: session.groupBytes * session.workers,
    outputPath: outputPathOf(task, params),
    outputKind: output.kind,
    task: task.name,
    params,
    codeHash: rowCodeOf(session.codeHash(task), tables.identity, session.options),
    mode: output.mode,
    ...(output.kind === 'parquet' && { partitionBy: output.partitionBy, schema }),
    force: session.options.force ?? false,
  }
}

function keepLease({ session, log }: TaskRun, run: ReservedRun): NodeJS.Timeout {
  const renew = (): void => {
    void log.save()
    void renewRun(session.output, run, { owner: session.owner, leaseUntil: Date.now() + leaseMs }).catch(
      () => undefined,
    )
  }
  return setInterval(renew, leaseMs / 3).unref()
}

/** Two batches at a time: the next one's slices run while the last of the one before end. */
const batchesAtOnce = 2

async function runPlanned(task: TaskRun, run: ReservedRun, items: readonly PlanItem[]): Promise<Manifest> {
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

function tellPlan(
  { session, task, log, params }: TaskRun,
  found: FoundInputs,
  planned: Extract<Planned, { plan: unknown }>,
): void {
  const { run, plan: items } = planned
  log.note('info', `run of ${task.name} begins`, {
    attempt: run.attempt,
    params,
    inputs: run.inputs.length,
    members: found.memberCount,
    batches: items.length,
  })
  session.tell({
    event: 'start',
    task: task.name,
    run: run.runId,
    attempt: run.attempt,
    output: urlBelow(session.outputSpec, run.outputPath),
  })
  session.tell({
    event: 'plan',
    task: task.name,
    run: run.runId,
    archives: run.inputs.length,
    members: found.memberCount,
    slices: items.reduce((sum, item) => sum + item.sliceCount, 0),
    batches: items.length,
    bytes: items.reduce((sum, item) => sum + item.bytes, 0),
    bytesIn: found.bytesIn,
  })
}

/** Shown, and kept in the log of the run where there is one. */
function warnOfInputs({ log }: TaskRun, found: FoundInputs): void {
  for (const line of inputWarnings(found)) log.hear({ kind: 'log', ...line })
}

function resultOf(
  { session, task, params, started, progress }: TaskRun,
  runId: string,
  status: RunStatus,
  manifest: Manifest | undefined,
  found: FoundInputs,
): TaskResult {
  const run = manifest?.runs.find(each => each.runId === runId)
  return {
    task: task.name,
    run: runId,
    status,
    // Of a complete dataset all of it: an append that finds nothing new has no run of its own.
    ...countsOf(status === 'skipped' ? manifest?.totals : run?.totals),
    membersSkipped: run?.skipped?.count ?? 0,
    bytesIn: status === 'complete' ? found.bytesIn : 0,
    bytesInflated: status === 'complete' ? progress.bytesInflated() : 0,
    seconds: (Date.now() - started) / 1000,
    output: urlBelow(session.outputSpec, outputPathOf(task, params)),
  }
}

function asFanmill(error: unknown): FanmillError {
  if (error instanceof FanmillError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new PermanentError('ENGINE_FAILED', message, {}, { cause: error })
}

const stopped = (reason: unknown): FanmillError =>
  reason instanceof FanmillError
    ? reason
    : new PermanentError('ABORTED', 'the run was stopped; run it again to resume', {}, { cause: reason })
