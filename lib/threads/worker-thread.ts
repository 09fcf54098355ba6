/** Runs the jobs of one task in this thread, with the engine, the user's module and a stage folder of its own. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { JsonValue, ParamValues, TaskDefinition } from '../define/definition.ts'
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
import type { JobKind, WorkerJob, WorkerMessage, WorkerResults } from '../model/worker-job.ts'
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

/** Setup of a thread: plain data, except for the store of a test. */
export interface ThreadSetup {
  readonly params: ParamValues
  readonly input: StoreSpec | Store
  readonly tables: readonly TableFile[]
  /** Parent of the folder that each thread creates for its staged text. */
  readonly stageFolder: string
  /** Folder for parts, on the file system of the output. */
  readonly partFolder: string
  readonly engineBytes: number
  readonly stageBytesMax: number
  /** Limit on slices that are read at once; default 1. */
  readonly readsMax?: number
  readonly strict?: boolean
  /** Values of the task's secrets; default none. */
  readonly secrets?: SecretValues
  /** Folder that `ctx.file()` reads from; default the working directory. */
  readonly filesFolder?: string
}

export interface Thread {
  run<K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]>
  stop(): void
  /** Ends the queries of the current job with OUT_OF_MEMORY; later jobs run as usual. */
  interrupt(why: Interrupt): void
  close(): void
}

/** Tasks that this thread has opened, each with a folder of its own. */
let taskCount = 0

export type SendMessage = (message: WorkerMessage) => void

/** Opens the engine and runs the user's `setup` once. @throws SQL_*, DEFINITION_INVALID, INPUT_INVALID for a table */
export async function openThread(task: TaskDefinition, setup: ThreadSetup, sendAll: SendMessage): Promise<Thread> {
  const log = createThreadLog(sendAll)
  const { send } = log
  const stageFolder = join(setup.stageFolder, `thread-${threadId}-${process.pid}-${taskCount++}`)
  mkdirSync(stageFolder, { recursive: true })
  const stopping = new AbortController()
  const engine = await openEngine({
    folders: [stageFolder, streamFolder(setup.stageFolder), setup.partFolder],
    tempFolder: join(stageFolder, 'spill'),
    memoryBytes: setup.engineBytes,
    load: loadTables(setup.tables),
  })
  const context = await createUserContext(task, setup, send, stopping.signal)
  const store = openStore(setup.input)
  const thread: ThreadState = { task, setup, store, log, engine, stageFolder, context, send, signal: stopping.signal }
  let interrupted: Interrupt | undefined
  return {
    async run<K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]> {
      interrupted = undefined
      try {
        // Jobs that were queued when the run was stopped still arrive.
        throwIfAborted(stopping.signal)
        const runJob: JobRunners[K] = jobRunners[job.kind]
        return await runJob(thread, job)
      } catch (error) {
        throw jobFault(error, interrupted)
      } finally {
        log.flush()
      }
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

/** Converts an error of the engine or the file system to one with a code. */
function jobFault(error: unknown, interrupted: Interrupt | undefined): unknown {
  const found = diskFault(error, 'use', 'the temporary files of a thread')
  const fault = found instanceof FanmillError ? found : engineFault(found)
  if (interrupted && (fault as FanmillError).code === 'ABORTED')
    return new CapacityError('OUT_OF_MEMORY', interrupted.message, interrupted.detail, { cause: fault })
  return fault
}

interface ThreadState {
  readonly task: TaskDefinition
  readonly setup: ThreadSetup
  readonly store: Store
  readonly log: ThreadLog
  readonly engine: Engine
  readonly stageFolder: string
  readonly context: unknown
  readonly send: SendMessage
  readonly signal: AbortSignal
  opened?: Promise<TaskEngine>
  progress?: ThreadProgress
}

type JobRunners = {
  readonly [K in JobKind]: (thread: ThreadState, job: WorkerJob<K>) => Promise<WorkerResults[K]>
}

const jobRunners: JobRunners = {
  async check(thread, { hive }) {
    return { schema: thread.task.output.kind === 'parquet' ? (await checkedEngine(thread, hive)).schema : [] }
  },
  async share(thread, job) {
    thread.log.beginShare(job)
    if (job.run && needsRun(thread.task.provenance)) await (await taskEngine(thread)).enterRun(job.run)
    return processShare(job, await shareTools(thread, job))
  },
  async merge(thread, job) {
    return (await taskEngine(thread)).merge(job.files, job)
  },
  accounts: ({ engine }, { files, target }) => joinAccounts(engine, files, target),
  extract: ({ task, store, signal, send }, job) =>
    runExtractJob(job, { store, limits: memberLimits(task), onBadMember: badMemberPolicy(task), signal, send }),
}

/** Returns the engine after the transform was checked with the columns in the paths of the inputs. */
async function checkedEngine(thread: ThreadState, hive?: readonly string[]): Promise<TaskEngine> {
  const engine = await taskEngine(thread)
  await engine.check(hive).catch(error => {
    throw nameTask(thread.task.name, error)
  })
  return engine
}

/** Returns the columns in the paths of a job's inputs; undefined when it has no inputs. */
function pathColumns({ source, columns = {} }: TaskDefinition, job: ShareJob): readonly string[] | undefined {
  const keys = inputKeys(job)
  if (keys.length === 0) return undefined
  return source.hive === false ? [] : hiveColumns(keys, Object.keys(columns))
}

const inputKeys = ({ inputs, staged }: ShareJob): string[] =>
  staged ? stagedArchives(staged) : Object.values(inputs).map(({ key }) => key)

const stagedArchives = ({ files }: StagedText): string[] =>
  (files as readonly StagedFile[]).flatMap(({ members }) => members.map(({ archive }) => archive))

/** Opens the task in the engine once. */
function taskEngine(thread: ThreadState): Promise<TaskEngine> {
  const { task, setup, engine, context } = thread
  thread.opened ??= openTask(engine, { ...engineTask(task, setup), isCheckedLater: true }, context).catch(error => {
    throw nameTask(task.name, error)
  })
  return thread.opened
}

interface ShareWatch {
  readonly log: ThreadLog
  readonly progress: ThreadProgress
}

/** Returns the same engine with the partition limits of a share; its conversions are reported to the log and the progress. */
function engineForShare(engine: TaskEngine, { partitionLimits }: ShareJob, { log, progress }: ShareWatch): TaskEngine {
  const convert: TaskEngine['convert'] = job => {
    log.beginConversion(job.files)
    return progress.during(job, () => engine.convert({ ...job, partitionLimits }))
  }
  const findFault: TaskEngine['findFault'] = job => engine.findFault({ ...job, partitionLimits })
  return Object.create(engine, { convert: { value: convert }, findFault: { value: findFault } }) as TaskEngine
}

const badMemberPolicy = ({ source }: TaskDefinition) => (source.kind === 'zipMembers' ? source.onBadMember : 'fail')

const memberLimits = (task: TaskDefinition): { memberBytesMax: number } =>
  task.source.kind === 'zipMembers' ? task.source.limits : { memberBytesMax: Number.MAX_SAFE_INTEGER }

/** Returns the user's function of a source that yields rows, with the context of this thread. */
function rowsFunction({ task: { source }, context }: ThreadState) {
  if (source.kind !== 'rowsFrom') return undefined
  return (partition: JsonValue) => source.rows(partition as never, context as never)
}

async function shareTools(thread: ThreadState, job: ShareJob) {
  const { task, setup, stageFolder, send, signal } = thread
  const format = task.source.format
  if (!format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed for Parquet output`)
  const inPath = pathColumns(task, job)
  // Reads ahead over all groups of the share: the first slices of the next group arrive while one is converted.
  const store = readAhead(thread.store, wantedRanges(job, thread.store), { readsMax: setup.readsMax ?? 1, signal })
  const staging = {
    store,
    folder: stageFolder,
    format,
    columns: task.columns ?? {},
    onNewColumn: task.onNewColumn,
    onMissingColumn: task.onMissingColumn,
    onBadMember: badMemberPolicy(task),
    limits: memberLimits(task),
    stageBytesMax: setup.stageBytesMax,
    readsHive: task.source.hive !== false,
    rowsOf: rowsFunction(thread),
    signal,
    onInflated: (bytes: number) => progress.staged(bytes),
  }
  const engine = await checkedEngine(thread, inPath)
  thread.progress ??= createThreadProgress({ send, engineProgress: () => engine.progress() })
  const progress = thread.progress
  return {
    engine: engineForShare(engine, job, { log: thread.log, progress }),
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
    // The position of a row of Parquet is known without.
    isAlwaysLocated: format.kind !== 'parquet' && (needsPlaces(task.provenance) || (inPath ?? []).length > 0),
    writeAccounts: (accounts: Iterable<MemberAccount>, target: string) =>
      writeAccounts(thread.engine, accounts, { staged: join(stageFolder, 'accounts.jsonl'), target }),
    onSkip: (member: SkippedMember) => send({ kind: 'log', ...skippedLine(member) }),
    progress: progress.done,
  }
}

/** Creates the context of the user's functions: the same object for every row of this thread. */
async function createUserContext(
  task: TaskDefinition,
  { params, secrets = {}, filesFolder = '.' }: Pick<ThreadSetup, 'params' | 'secrets' | 'filesFolder'>,
  send: SendMessage,
  signal: AbortSignal,
): Promise<unknown> {
  const log = Object.fromEntries(
    logLevels.map((level: LogLevel) => [
      level,
      (message: string, fields?: Readonly<Record<string, unknown>>) => send({ kind: 'log', level, message, fields }),
    ]),
  )
  const file = (name: string): UserFile => userFile(filesFolder, name)
  const base = { params: Object.freeze({ ...params }), log, secrets: Object.freeze({ ...secrets }), signal, file }
  const state = await runSetup(task, base)
  return Object.freeze({ ...base, state })
}

async function runSetup(task: TaskDefinition, context: unknown): Promise<unknown> {
  try {
    return await task.setup?.(context as never)
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('TRANSFORM_FAILED', `task ${task.name}: setup threw: ${message}`, {}, { cause: error })
  }
}
