/** What one thread holds for one task: its engine, the user's module, its stage; and how it does a job. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { FanmillError, PermanentError } from './core/errors.ts'
import { type LogLevel, logLevels } from './core/events.ts'
import { hiveValues } from './core/hive-columns.ts'
import { resolveSteps } from './core/resolve-task.ts'
import type { MemberAccount, ShareJob, StagedText } from './core/share.ts'
import type { Store } from './core/store.ts'
import type { WorkerJob, WorkerMessage, WorkerResults } from './core/worker-job.ts'
import type { ParamValues, TaskDefinition } from './define/definition.ts'
import { hiveNamesOf } from './define/hive-names.ts'
import type { UserFile } from './define/row-types.ts'
import { type Engine, openEngine } from './engine/engine.ts'
import { loadTables, type TableFile } from './engine/load-tables.ts'
import { openTask, type TaskEngine } from './engine/task-engine.ts'
import { writeAccounts } from './engine/write-accounts.ts'
import { throwIfAborted } from './io/abort.ts'
import { runExtractJob } from './io/extract-job.ts'
import { openStore, type StoreSpec } from './io/open-store.ts'
import { readAhead } from './io/read-ahead.ts'
import type { SecretValues } from './io/secrets.ts'
import type { StagedFile } from './io/stage.ts'
import { type StagedSlices, type StageSource, stageSlices, wantedRanges } from './io/stage-slices.ts'
import { userFile } from './io/user-file.ts'
import { streamFolder } from './local/stream-pieces.ts'
import { processShare, type StageOptions } from './steps/share.ts'
import { createThreadLog, type ThreadLog } from './worker-log.ts'

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
  return {
    run: job => runJob(own, job).finally(log.flush) as never,
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
}

async function runJob(own: Own, job: WorkerJob): Promise<unknown> {
  // Jobs that were queued when the run was stopped still come.
  throwIfAborted(own.signal)
  switch (job.kind) {
    case 'check':
      return { schema: own.task.output.kind === 'parquet' ? await checkedSchema(own, job.hive) : [] }
    case 'share':
      own.log.enter(job)
      return processShare(job, await shareTools(own, job))
    case 'merge':
      return (await taskEngine(own)).merge(job.files, job.target)
    case 'accounts':
      return writeAccountsFile(own, job.accounts, job.target)
    case 'extract': {
      const { source } = own.task
      const onBadMember = source.kind === 'zipMembers' ? source.onBadMember : 'fail'
      const { store, signal, tell } = own
      return runExtractJob(job, { store, limits: limitsOf(own.task), onBadMember, signal, tell })
    }
  }
}

async function checkedSchema(own: Own, hive?: readonly string[]): Promise<TaskEngine['schema']> {
  const engine = await taskEngine(own)
  await engine.check(hive)
  return engine.schema
}

async function writeAccountsFile(own: Own, accounts: readonly MemberAccount[], target: string): Promise<null> {
  await writeAccounts(own.engine, accounts, { staged: join(own.stageFolder, 'accounts.jsonl'), target })
  return null
}

function taskEngine(own: Own): Promise<TaskEngine> {
  const { task, setup, engine, context } = own
  const { output, source } = task
  if (output.kind !== 'parquet' || !source.format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed for Parquet output`)
  own.opened ??= openTask(
    engine,
    {
      format: source.format,
      columns: task.columns ?? {},
      steps: resolveSteps(task, setup.params),
      strict: setup.strict ?? task.strict,
      provenance: task.provenance,
      hive: hiveNamesOf(source),
      readsHive: source.hive !== false,
      keepNew: task.onNewColumn === 'keep',
      onNewColumn: task.onNewColumn,
      onMissingColumn: task.onMissingColumn,
      parts: output,
    },
    context,
  )
  return own.opened
}

/** The same engine, whose conversions the log knows of. */
function watched(engine: TaskEngine, log: ThreadLog): TaskEngine {
  const convert: TaskEngine['convert'] = job => {
    log.converting(job.files)
    return engine.convert(job)
  }
  return Object.create(engine, { convert: { value: convert } }) as TaskEngine
}

const limitsOf = (task: TaskDefinition): { memberBytesMax: number } =>
  task.source.kind === 'zipMembers' ? task.source.limits : { memberBytesMax: Number.MAX_SAFE_INTEGER }

async function shareTools(own: Own, job: ShareJob) {
  const { task, setup, stageFolder, tell, signal } = own
  const format = task.source.format
  if (!format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed for Parquet output`)
  // Over all groups of the share: while one is converted, the first slices of the next come.
  const store = readAhead(own.store, wantedRanges(job, own.store), { readsMax: setup.readsMax ?? 1, signal })
  const stage = (source: StageSource, { isLocated, isByMember }: StageOptions): Promise<StagedSlices> =>
    stageSlices(source, {
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
      isLocated,
      isByMember,
      signal,
      onSkip: (member: string, error: FanmillError) =>
        tell({ kind: 'log', level: 'warn', message: `member skipped: ${error.message}`, member }),
    })
  return {
    engine: watched(await taskEngine(own), own.log),
    stage,
    worker: { pid: process.pid, thread: threadId },
    // Rows of Parquet have their place without.
    isAlwaysLocated: format.kind !== 'parquet' && (task.provenance.length > 0 || readsPaths(task, job)),
    progress: (done: Omit<Extract<WorkerMessage, { kind: 'progress' }>, 'kind'>) => tell({ kind: 'progress', ...done }),
  }
}

/** Whether columns stand in the paths of the inputs. */
function readsPaths({ source }: TaskDefinition, { inputs, staged }: ShareJob): boolean {
  if (source.hive === false) return false
  const keys = staged ? archivesOf(staged) : Object.values(inputs).map(({ key }) => key)
  return keys.some(key => Object.keys(hiveValues(key)).length > 0)
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
