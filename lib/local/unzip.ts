/** `unzip`: a run of a `memberFiles` task over one archive, without an engine; its state is removed when it is complete. */
import { rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { refuseForeignFiles } from '../commit/foreign-files.ts'
import { readSuccess } from '../commit/head.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { memberFiles } from '../define/outputs/output.ts'
import { zipMembers } from '../define/sources/source.ts'
import { task } from '../define/tasks/task.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { type FoundMembers, findMembers } from '../inputs/archives/find-members.ts'
import type { FindOptions, FoundInputs } from '../inputs/find-options.ts'
import { noMemberError } from '../inputs/no-input.ts'
import type { RunEvent } from '../model/events.ts'
import { outputHashOf } from '../model/run/identity.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import type { Workers } from '../model/worker-job.ts'
import { type PlannedRun, runBatches } from '../process/run-batches.ts'
import { createGate } from '../process/share/gate.ts'
import { type PlanTaskOptions, planTask, type TaskContext } from '../process/task-runner.ts'
import { diskStore } from '../store/disk/store.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'
import { defaultWorkers, isAlive, thisOwner } from '../threads/pool/machine.ts'
import { openWorkers } from '../threads/pool/pool.ts'
import { batchTools } from '../threads/pool/task-workers.ts'
import { createProgress, type Progress } from './log/progress.ts'
import { activeElsewhere, planEvents } from './log/run-events.ts'

export interface UnzipOptions {
  /** Glob over the names of members, such as `2001/*.csv`; default every member. */
  readonly members?: string
  /** Number of threads; default the CPUs that this process may use. */
  readonly workers?: number
  /** Stops the extraction in order when it aborts; the same call resumes it. */
  readonly signal?: AbortSignal
  /** Called with each event, such as `console.log`; default none. */
  readonly onEvent?: (event: RunEvent) => void
}

export interface UnzipResult {
  readonly files: number
  /** Inflated bytes. */
  readonly bytes: number
  readonly seconds: number
}

/**
 * Checks every member's size and CRC-32, and writes `_SUCCESS` with them last. Symbolic links become files with their target as text,
 * and permissions are this process's. Files that are there are replaced when `_SUCCESS` lists them, and refused otherwise; files of other
 * extractions stay. Memory: 16 MiB a thread, and the largest member below 64 MiB.
 * @throws OUTPUT_NOT_OURS, NO_INPUT, ABORTED, ZIP_*, DISK_FULL; there is no `_SUCCESS` then, and the same call resumes
 */
export async function unzip(archive: string, destination: string, options: UnzipOptions = {}): Promise<UnzipResult> {
  const startedMs = performance.now()
  const { members = '**', workers: threads = defaultWorkers(), signal, onEvent = () => {} } = options
  throwIfAborted(signal)
  const file = resolve(archive)
  const input: StoreSpec = { kind: 'disk', folder: dirname(file) }
  const definition = unzipTask(members)
  const progress = createProgress({ emit: onEvent }, nodeNameOf(definition.name, {}), { onMessage: () => {} })
  const { limits } = definition.source
  const workers = openWorkers({
    entry: 'worker-extract',
    threads,
    setup: { input, limits, onBadMember: 'fail' },
    heapBytes: heapBytesMax,
    onMessage: progress.onMessage,
  })
  const stop = (): void => workers.stop()
  signal?.addEventListener('abort', stop)
  try {
    const store = openStore(input)
    const found = await findArchive(definition, basename(file), { input: store, threads })
    const given = { definition, input: store, folder: resolve(destination), found, workers, progress, options }
    return { ...(await extract(given)), seconds: (performance.now() - startedMs) / 1000 }
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await workers.close()
  }
}

/** Limit on JavaScript objects; buffers of members are outside the heap. */
const heapBytesMax = 512 * 1024 * 1024
/** Slices are at most a third of it, so that threads end together; each slice is one read. */
const textBytes = 24 * 1024 * 1024
const batchBytesPerThread = 16 * 1024 * 1024
/** A run on this machine is known to be dead by its process. */
const leaseMs = 86_400_000

type UnzipTask = TaskDefinition & { readonly source: ReturnType<typeof zipMembers> }

/** Deliberately with a mode that definitions do not offer: files of the same names are replaced, and all others stay. */
function unzipTask(members: string): UnzipTask {
  const source = zipMembers({ paths: 'any', members })
  const output = memberFiles({ path: 'any' })
  return {
    ...task({ name: 'unzip', source, output }),
    source,
    output: { ...output, path: '', mode: 'replacePartitions' },
  }
}

/** Finds the members of the archive with this name, which is no pattern. @throws NO_INPUT, ZIP_* */
async function findArchive(
  definition: UnzipTask,
  key: string,
  { input, threads }: Pick<FindOptions, 'input'> & { readonly threads: number },
): Promise<FoundMembers & FoundInputs> {
  const object = await input.stat(key)
  if (!object)
    throw new PermanentError('NO_INPUT', `expected an archive at ${input.url}/${key}, got no such file`, {
      archive: key,
    })
  const options: FindOptions = { input, task: definition, params: {}, threads: threads * 4, textBytes }
  const found = { ...(await findMembers(definition.source, [object], options)), hive: [] }
  if (found.memberCount > 0 || definition.source.members === '**') return found
  throw await noMemberError(options, definition.source, { glob: key, objects: [object], skipped: found.skipped })
}

interface Extraction {
  readonly definition: UnzipTask
  readonly input: Store
  readonly folder: string
  readonly found: FoundMembers & FoundInputs
  readonly workers: Workers
  readonly progress: Progress
  readonly options: UnzipOptions
}

async function extract(job: Extraction): Promise<Omit<UnzipResult, 'seconds'>> {
  const { definition, input, folder, found, workers, progress } = job
  const { signal, onEvent } = job.options
  const { members } = definition.source
  const output = diskStore(folder, { syncsParts: false })
  const owner = thisOwner()
  const context: TaskContext = {
    ...{ owner, output, task: definition, params: { members }, isAlive, leaseMs, now: Date.now, signal },
    ...{ codeHash: '', outputPath: '' },
  }
  const planned = await planAnew(context, { found, batchBytes: batchBytesPerThread * workers.threads })
  const { run } = planned
  try {
    await refuseForeignFiles(output, run, await readSuccess(output, ''), found.names())
  } catch (error) {
    removeState(folder, run.runId)
    throw error
  }
  progress.begin(run)
  for (const event of planEvents(nodeNameOf(definition.name, {}), planned, { found, output: folder })) onEvent?.(event)
  const partFolder = makeOwnFolder(join(folder, stateRoot, 'tmp'))
  const machine = {
    ...{ task: definition, input, output, workers, gate: createGate(), signal },
    ...{ stageFolder: partFolder, partFolder, groupBytes: 0, engineBytes: 0, onRepeat: () => {} },
  }
  let tries = 0
  const openTools = () => batchTools({ ...machine, token: `${owner.id.slice(0, 8)}${tries++}` })
  const manifest = await runBatches(context, planned, {
    openTools,
    packing: { batchBytes: Number.POSITIVE_INFINITY },
    failFast: true,
    watcher: { onPhase: progress.enter, onRepeat: progress.reset },
  }).finally(() => removeOwnFolder(partFolder))
  removeState(folder, run.runId)
  const totals = manifest.runs.find(({ runId }) => runId === run.runId)?.totals
  return { files: totals?.members ?? 0, bytes: totals?.bytes ?? 0 }
}

/** Resumes a run that was interrupted, and begins one anew that is complete. */
async function planAnew(context: TaskContext, options: PlanTaskOptions): Promise<PlannedRun> {
  const planned = await planTask(context, options)
  if (planned.status === 'busy') throw activeElsewhere(planned)
  return planned.status === 'complete' ? planAnew(context, { ...options, force: true }) : planned
}

/** Removes the state of a run that is not resumed: the next extraction knows by `_SUCCESS` what is here. */
function removeState(folder: string, runId: string): void {
  const root = join(folder, stateRoot)
  for (const path of [`runs/${runId}`, `pending/${runId}`, `outputs/${outputHashOf('')}`])
    rmSync(join(root, path), { recursive: true, force: true })
  for (const path of ['runs', 'pending', 'outputs', 'tmp', '']) removeEmpty(join(root, path))
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Deliberately ignored: it holds the state of other runs, or is not there.
  }
}
