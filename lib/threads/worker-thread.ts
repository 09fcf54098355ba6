/** What one thread holds for one task: its engine, the user's module, its stage; and how it does a job. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { needsPlaces, needsRun } from '../define/provenance.ts'
import type { UserFile } from '../define/row-types.ts'
import { type Engine, engineFault, openEngine } from '../engine/duckdb/engine.ts'
import { engineTask } from '../engine/engine-task.ts'
import { loadTables, type TableFile } from '../engine/read/load-tables.ts'
import { openTask, type TaskEngine } from '../engine/task-engine.ts'
import { joinAccounts, writeAccounts } from '../engine/write/write-accounts.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { CapacityError, FanmillError, PermanentError } from '../errors/errors.ts'
import { nameTask } from '../errors/task-error.ts'
import { type LogLevel, logLevels } from '../model/events.ts'
import type { MemberAccount, ShareJob, StagedText } from '../model/share.ts'
import { type SkippedMember, skippedLine } from '../model/skipped-member.ts'
import type { WorkerJob, WorkerMessage, WorkerResults } from '../model/worker-job.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import { processShare, type StageOptions } from '../process/share.ts'
import { streamFolder } from '../process/stream-pieces.ts'
import type { StagedFile } from '../stage/stage.ts'
import { type StageSource, stageInParts, stageSlices, wantedRanges } from '../stage/stage-slices.ts'
import { diskFault } from '../store/disk/fault.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { readAhead } from '../store/read-ahead.ts'
import type { Store } from '../store/store.ts'
import type { Interrupt } from './channel.ts'
import { runExtractJob } from './extract-job.ts'
import type { SecretValues } from './secrets.ts'
import { userFile } from './user-file.ts'
import { createThreadLog, type ThreadLog } from './worker-log.ts'
import { createThreadProgress, type ThreadProgress } from './worker-progress.ts'

/** Plain data, but for the store of a test. */
export interface ThreadSetup {
  readonly params: ParamValues
  readonly input: StoreSpec | Store
  readonly tables: readonly TableFile[]
  /** Below it each thread makes a folder of its own for staged text. */
  readonly stageFolder: string
  /** Where parts are written, on the file system of the output. */
  readonly partFolder: string
  readonly engineBytes: number
  readonly stageBytesMax: number
  /** Slices read at once; default 1. */
  readonly readsMax?: number
  readonly strict?: boolean
  /** Values of the task's secrets; default none. */
  readonly secrets?: SecretValues
  /** What `ctx.file()` reads from; default the working directory. */
  readonly filesFolder?: string
}

export interface Thread {
  run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>): Promise<WorkerResults[K]>
  stop(): void
  /** Ends the queries of the present job with OUT_OF_MEMORY; the next job goes on as usual. */
  interrupt(why: Interrupt): void
  close(): void
}

export type Tell = (message: WorkerMessage) => void

/** Opens the engine and runs the user's `setup` once. @throws SQL_*, DEFINITION_INVALID, INPUT_INVALID for a table */
export async function openThread(task: TaskDefinition, setup: ThreadSetup, tellAll: Tell): Promise<Thread> {
  const log = createThreadLog(tellAll)
  const { tell } = log
  const stageFolder = join(setup.stageFolder, `thread-${threadId}-${process.pid}`)
  mkdirSync(stageFolder, { recursive: true })
  const stopping = new AbortController()
  const engine = await openEngine({
    folders: [stageFolder, streamFolder(setup.stageFolder), setup.partFolder],
    tempFolder: join(stageFolder, 'spill'),
    memoryBytes: setup.engineBytes,
    load: loadTables(setup.tables),
  })
  const context = await userContext(task, setup, tell, stopping.signal)
  const store = openStore(setup.input)
  const own: Own = { task, setup, store, log, engine, stageFolder, context, tell, signal: stopping.signal }
  let interrupted: Interrupt | undefined
  return {
    run: job => {
      interrupted = undefined
      return runJob(own, job)
        .catch(error => throwFault(error, interrupted))
        .finally(log.flush) as never
    },
    interrupt(why) {
      interrupted = why
      engine.interrupt()
    },
    stop() {
      stopping.abort(new PermanentError('ABORTED', 'the run was stopped'))
      engine.interrupt()
    },
    close() {
      engine.close()
      rmSync(stageFolder, { recursive: true, force: true })
    },
  }
}

/** What a job throws has a code, also where it comes from the engine or the file system. */
function throwFault(error: unknown, interrupted: Interrupt | undefined): never {
  const found = diskFault(error, 'use', 'the temporary files of a thread')
  const fault = found instanceof FanmillError ? found : engineFault(found)
  if (interrupted && (fault as FanmillError).code === 'ABORTED')
    throw new CapacityError('OUT_OF_MEMORY', interrupted.message, interrupted.detail, { cause: fault })
  throw fault
}

interface Own {
  readonly task: TaskDefinition
  readonly setup: ThreadSetup
  readonly store: Store
  readonly log: ThreadLog
  readonly engine: Engine
  readonly stageFolder: string
  readonly context: unknown
  readonly tell: Tell
  readonly signal: AbortSignal
  opened?: Promise<TaskEngine>
  progress?: ThreadProgress
}

async function runJob(own: Own, job: WorkerJob): Promise<unknown> {
  // Jobs that were queued when the run was stopped still come.
  throwIfAborted(own.signal)
  switch (job.kind) {
    case 'check':
      return { schema: own.task.output.kind === 'parquet' ? await checkedSchema(own, job.hive) : [] }
    case 'share':
      own.log.enter(job)
      if (job.run && needsRun(own.task.provenance)) await (await taskEngine(own)).enterRun(job.run)
      return processShare(job, await shareTools(own, job))
    case 'merge':
      return (await taskEngine(own)).merge(job.files, job)
    case 'accounts':
      return joinAccounts(own.engine, job.files, job.target)
    case 'extract': {
      const { source } = own.task
      const onBadMember = source.kind === 'zipMembers' ? source.onBadMember : 'fail'
      const { store, signal, tell } = own
      return runExtractJob(job, { store, limits: limitsOf(own.task), onBadMember, signal, tell })
    }
  }
}

async function checkedSchema(own: Own, hive?: readonly string[]): Promise<TaskEngine['schema']> {
  return (await checkedEngine(own, hive)).schema
}

/** The engine, with the transform checked over the columns in the inputs' paths. */
async function checkedEngine(own: Own, hive?: readonly string[]): Promise<TaskEngine> {
  const engine = await taskEngine(own)
  await engine.check(hive).catch(error => {
    throw nameTask(own.task.name, error)
  })
  return engine
}

/** The columns in the paths of a job's inputs; undefined where it has none. */
function pathColumns({ source, columns = {} }: TaskDefinition, job: ShareJob): readonly string[] | undefined {
  const keys = keysOf(job)
  if (keys.length === 0) return undefined
  return source.hive === false ? [] : hiveColumns(keys, Object.keys(columns))
}

const keysOf = ({ inputs, staged }: ShareJob): string[] =>
  staged ? archivesOf(staged) : Object.values(inputs).map(({ key }) => key)

function taskEngine(own: Own): Promise<TaskEngine> {
  const { task, setup, engine, context } = own
  own.opened ??= openTask(engine, { ...engineTask(task, setup), isCheckedLater: true }, context).catch(error => {
    throw nameTask(task.name, error)
  })
  return own.opened
}

interface ShareWatch {
  readonly log: ThreadLog
  readonly progress: ThreadProgress
}

/** The same engine, whose conversions keep to the share's limits, and are known to the log. */
function forShare(engine: TaskEngine, { partitionLimits }: ShareJob, { log, progress }: ShareWatch): TaskEngine {
  const convert: TaskEngine['convert'] = job => {
    log.converting(job.files)
    return progress.during(job, () => engine.convert({ ...job, partitionLimits }))
  }
  const findFault: TaskEngine['findFault'] = job => engine.findFault({ ...job, partitionLimits })
  return Object.create(engine, { convert: { value: convert }, findFault: { value: findFault } }) as TaskEngine
}

const limitsOf = (task: TaskDefinition): { memberBytesMax: number } =>
  task.source.kind === 'zipMembers' ? task.source.limits : { memberBytesMax: Number.MAX_SAFE_INTEGER }

async function shareTools(own: Own, job: ShareJob) {
  const { task, setup, stageFolder, tell, signal } = own
  const format = task.source.format
  if (!format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed for Parquet output`)
  const inPath = pathColumns(task, job)
  // Over all groups of the share: while one is converted, the first slices of the next come.
  const store = readAhead(own.store, wantedRanges(job, own.store), { readsMax: setup.readsMax ?? 1, signal })
  const staging = {
    store,
    folder: stageFolder,
    format,
    columns: task.columns ?? {},
    onNewColumn: task.onNewColumn,
    onMissingColumn: task.onMissingColumn,
    onBadMember: task.source.kind === 'zipMembers' ? task.source.onBadMember : 'fail',
    limits: limitsOf(task),
    stageBytesMax: setup.stageBytesMax,
    readsHive: task.source.hive !== false,
    signal,
    onInflated: (bytes: number) => progress.staged(bytes),
  }
  const engine = await checkedEngine(own, inPath)
  own.progress ??= createThreadProgress({ tell, engine: () => engine.progress() })
  const progress = own.progress
  return {
    engine: forShare(engine, job, { log: own.log, progress }),
    async stage(source: StageSource, options: StageOptions) {
      progress.beginGroup()
      const staged = await stageSlices(source, { ...staging, ...options })
      progress.endStaging(staged)
      return staged
    },
    async *stageInParts(source: StageSource, options: StageOptions) {
      progress.beginGroup()
      for await (const part of stageInParts(source, { ...staging, ...options, partBytes: job.groupBytes })) {
        progress.endStaging(part.staged)
        yield part
      }
    },
    worker: { pid: process.pid, thread: threadId },
    // Rows of Parquet have their place without.
    isAlwaysLocated: format.kind !== 'parquet' && (needsPlaces(task.provenance) || (inPath ?? []).length > 0),
    writeAccounts: (accounts: Iterable<MemberAccount>, target: string) =>
      writeAccounts(own.engine, accounts, { staged: join(own.stageFolder, 'accounts.jsonl'), target }),
    onSkip: (member: SkippedMember) => tell({ kind: 'log', ...skippedLine(member) }),
    progress: progress.done,
  }
}

const archivesOf = ({ files }: StagedText): string[] =>
  (files as readonly StagedFile[]).flatMap(({ members }) => members.map(({ archive }) => archive))

/** What the user's functions get: the same object for every row of this thread. */
async function userContext(
  task: TaskDefinition,
  { params, secrets = {}, filesFolder = '.' }: Pick<ThreadSetup, 'params' | 'secrets' | 'filesFolder'>,
  tell: Tell,
  signal: AbortSignal,
): Promise<unknown> {
  const log = Object.fromEntries(
    logLevels.map((level: LogLevel) => [
      level,
      (message: string, fields?: Readonly<Record<string, unknown>>) =>
        tell({ kind: 'log', level, message, ...(fields && { fields }) }),
    ]),
  )
  const file = (name: string): UserFile => userFile(filesFolder, name)
  const base = { params: Object.freeze({ ...params }), log, secrets: Object.freeze({ ...secrets }), signal, file }
  const state = await setUp(task, base)
  return Object.freeze({ ...base, state })
}

async function setUp(task: TaskDefinition, context: unknown): Promise<unknown> {
  try {
    return await task.setup?.(context as never)
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('TRANSFORM_FAILED', `task ${task.name}: setup threw: ${message}`, {}, { cause: error })
  }
}
