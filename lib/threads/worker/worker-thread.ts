/** Runs the jobs of one task in this thread, with the engine, the user's module and a stage folder of its own. */

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { needsRun } from '../../define/columns/provenance.ts'
import type { TaskDefinition } from '../../define/definition.ts'
import { layoutOf, outputKind } from '../../define/outputs/output-kind.ts'
import { memberPolicy } from '../../define/sources/member-policy.ts'
import { datasetSource } from '../../define/sources/source-paths.ts'
import { engineFault, openEngine } from '../../duckdb/engine.ts'
import { loadTables } from '../../engine/read/load-tables.ts'
import { joinAccounts } from '../../engine/write/write-accounts.ts'
import { abortError, runStopped, throwIfAborted } from '../../errors/abort.ts'
import { CapacityError, FanmillError, PermanentError } from '../../errors/errors.ts'
import type { JobKind, WorkerJob, WorkerResults } from '../../model/worker-job.ts'
import { processShare } from '../../process/share/share.ts'
import { streamFolder } from '../../process/share/stream-pieces.ts'
import { SpareFiles } from '../../stage/spare-files.ts'
import { diskFault } from '../../store/disk/fault.ts'
import { openStore } from '../../store/open-store.ts'
import { isInMemory } from '../../store/own-folder.ts'
import { exchangeRoot } from '../../store/state-root.ts'
import type { Interrupt } from './channel.ts'
import { deliverRows } from './deliver-rows.ts'
import { runExtractJob } from './extract-job.ts'
import { createThreadLog } from './log.ts'
import { shareTools } from './share-tools.ts'
import { checkedEngine, type SendMessage, type ThreadSetup, type ThreadState, taskEngine } from './thread-state.ts'
import { createUserContext } from './user-context.ts'

export interface Thread {
  run<K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]>
  stop(): void
  /** Ends the queries of the current job with OUT_OF_MEMORY; later jobs run as usual. */
  interrupt(why: Interrupt): void
  close(): void
}

/** Tasks that this thread has opened, each with a folder of its own. */
let taskCount = 0

/** Longer than a thread needs to begin the next text. A thread without work then removes the old one, while the run is committed. */
const spareMs = 20

/** Time after which running queries are interrupted again: an order that comes just before a query begins does not end it. */
const againMs = 50

/**
 * Opens the engine and runs the user's `setup` once. `stopping` stops the thread, also before it is open.
 * @throws SQL_*, DEFINITION_INVALID, INPUT_INVALID for a table
 */
export async function openThread(
  task: TaskDefinition,
  setup: ThreadSetup,
  sendAll: SendMessage,
  stopping: AbortController = new AbortController(),
): Promise<Thread> {
  const log = createThreadLog(sendAll)
  const { send } = log
  const stageFolder = join(setup.stageFolder, `thread-${threadId}-${process.pid}-${taskCount++}`)
  mkdirSync(stageFolder, { recursive: true })
  const removeFolder = (): void => rmSync(stageFolder, { recursive: true, force: true })
  const engine = await openEngine({
    folders: [stageFolder, streamFolder(setup.stageFolder), setup.partFolder, ...datasetFolders(task, setup)],
    writesBuckets: outputKind(task.output).exchange !== undefined,
    readsForeign: readsForeignFiles(task),
    tempFolder: join(stageFolder, 'spill'),
    memoryBytes: setup.engineBytes,
    starting: setup.starting,
    load: loadTables(setup.tables),
  }).catch(error => {
    removeFolder()
    throw error
  })
  const context = await createUserContext(task, setup, send, stopping.signal).catch(error => {
    engine.close()
    removeFolder()
    throw abortError(stopping.signal) ?? error
  })
  const store = openStore(setup.input)
  const spares = isInMemory(stageFolder) ? new SpareFiles({ filesMax: 1, idleMs: spareMs }) : undefined
  const own = { task, setup, store, log, engine, stageFolder, spares, context, send }
  const thread: ThreadState = { ...own, signal: stopping.signal }
  let interrupting = new AbortController()
  return {
    async run<K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]> {
      interrupting = new AbortController()
      // An interrupt that comes between two queries ends the job before the next one.
      const signal = AbortSignal.any([stopping.signal, interrupting.signal])
      thread.signal = signal
      let again: NodeJS.Timeout | undefined
      const interrupt = (): void => {
        engine.interrupt()
        again = setInterval(engine.interrupt, againMs)
      }
      signal.addEventListener('abort', interrupt)
      try {
        // Jobs that were queued when the run was stopped still arrive.
        throwIfAborted(signal)
        const runJob: JobRunners[K] = jobRunners[job.kind]
        const result = await runJob(thread, job)
        // An order that came during the last query ends the job too.
        throwIfAborted(interrupting.signal)
        return result
      } catch (error) {
        throw jobFault(error, interrupting.signal.reason)
      } finally {
        // An order that comes later must not end the queries of the next job.
        signal.removeEventListener('abort', interrupt)
        clearInterval(again)
        log.flush()
      }
    },
    interrupt({ message, detail }) {
      interrupting.abort(new CapacityError('OUT_OF_MEMORY', message, detail))
    },
    stop() {
      stopping.abort(runStopped())
    },
    close() {
      engine.close()
      spares?.close()
      removeFolder()
    },
  }
}

/** Returns the folder whose parts, or rows of the stage before, the engine opens where they are. */
function datasetFolders({ source }: TaskDefinition, { input }: ThreadSetup): string[] {
  if (!('kind' in input) || input.kind !== 'disk') return []
  // A join may read parts where they are.
  if (source.kind === 'exchange') return [source.join ? input.folder : join(input.folder, exchangeRoot)]
  // The engine opens Parquet files where they are.
  return datasetSource(source) || source.format?.kind === 'parquet' ? [input.folder] : []
}

/** Whether the task reads Parquet files that other programs may have written, also those of Delta tables. */
function readsForeignFiles({ source }: TaskDefinition): boolean {
  if (source.kind === 'partitionsOf') return source.of !== undefined && outputKind(source.of.output).log !== undefined
  return source.kind === 'deltaTable' || ('paths' in source && source.format?.kind === 'parquet')
}

/** Converts an error of the engine or the file system to one with a code, and that of an interrupted query to the reason. */
function jobFault(error: unknown, reason: CapacityError | undefined): unknown {
  const found = diskFault(error, 'use', 'the temporary files of a thread')
  const fault = found instanceof FanmillError ? found : engineFault(found)
  return reason && (fault as FanmillError).code === 'ABORTED' ? reason : fault
}

type JobRunners = {
  readonly [K in JobKind]: (thread: ThreadState, job: WorkerJob<K>) => Promise<WorkerResults[K]>
}

const jobRunners: JobRunners = {
  async check(thread, inputs) {
    return { schema: layoutOf(thread.task.output) ? (await checkedEngine(thread, inputs)).schema : [] }
  },
  async share(thread, job) {
    thread.log.beginShare(job)
    if (outputKind(thread.task.output).pieceBytes !== undefined) (await taskEngine(thread)).forgetMember()
    if (job.run && needsRun(thread.task.provenance)) await (await taskEngine(thread)).enterRun(job.run)
    const tools = await shareTools(thread, job)
    return processShare(job, tools).finally(tools.end)
  },
  async merge(thread, job) {
    return (await taskEngine(thread)).merge(job.files, job)
  },
  deliver: deliverRows,
  async combine(thread, job) {
    return (await taskEngine(thread)).combine(job.files, job)
  },
  accounts: ({ engine }, { files, target }) => joinAccounts(engine, files, target),
  async map() {
    throw new PermanentError('STATE_INVALID', 'expected a job of a task, got values of a program')
  },
  extract({ task, store, signal, send }, job) {
    const { limits, onBadMember } = memberPolicy(task.source)
    return runExtractJob(job, { store, limits, onBadMember, signal, send })
  },
}
