/** Opens the worker threads of a task, and composes the tools that process its batches. */

import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { LoadableBundle } from '../../bundle/bundle-load.ts'
import type { TaskDefinition } from '../../define/definition.ts'
import { layoutOf, outputKind } from '../../define/outputs/output-kind.ts'
import { callsAtOnce } from '../../define/sources/items.ts'
import { memberPolicy } from '../../define/sources/member-policy.ts'
import { PermanentError, type TransientError } from '../../errors/errors.ts'
import type { WorkerMessage, Workers } from '../../model/worker-job.ts'
import { partitioningOf } from '../../paths/partition-limits.ts'
import { createPartitionSet, type PartitionSet } from '../../paths/partition-set.ts'
import type { ProcessTools } from '../../process/process-tools.ts'
import type { Gate } from '../../process/share/gate.ts'
import { skipsBadMembers, streamFolder, streamPieces } from '../../process/share/stream-pieces.ts'
import { type ActingMachine, actionToolsFor } from '../../programs/action-tools.ts'
import type { StoreSpec } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { SecretValues } from '../secrets.ts'
import type { ThreadSetup } from '../worker/thread-state.ts'
import type { MemoryShares } from './machine.ts'
import { openWorkers, type ThreadPool } from './pool.ts'

export interface TaskWorkersOptions
  extends Pick<
    ThreadSetup,
    'params' | 'tables' | 'stageFolder' | 'partFolder' | 'syncsParts' | 'stageBytesMax' | 'strict'
  > {
  /** The task of the stage. */
  readonly task: TaskDefinition
  /** The stage of the run that the threads work on; default the first. */
  readonly stage?: number
  readonly bundle: LoadableBundle
  readonly input: StoreSpec
  readonly secrets: SecretValues
  readonly threads: number
  readonly memory: MemoryShares
  /** Limit on the memory of the process, beyond which the run ends; default no limit. */
  readonly memoryBytesMax?: number | undefined
  /** Reads in flight over all threads; default 2 × threads for S3, 1 × for a disk. */
  readonly reads?: number | undefined
  /** Threads of the engine of each job. With several, one job runs at a time, and its engine has the memory of as many; default 1. */
  readonly engineThreads?: number
  onMessage(message: WorkerMessage, job: object): void
  /** Returns the pool for tasks that need an engine. */
  pool(): ThreadPool
}

/** Opens workers of the pool, or a pool of lighter threads for a task that only extracts members. */
export function openTaskWorkers(options: TaskWorkersOptions): Workers {
  const { task, params, bundle, input, tables, secrets, threads, memory, stageFolder, partFolder, strict, onMessage } =
    options
  const { engineThreads = 1 } = options
  const { source, output } = task
  if (outputKind(output).isThreadless) return noThreads
  if (!layoutOf(output)) {
    const { limits, onBadMember } = memberPolicy(source)
    return openWorkers({
      ...{ threads, heapBytes: memory.heapBytes, memoryBytesMax: options.memoryBytesMax, onMessage },
      entry: 'worker-extract',
      setup: { input, limits, onBadMember },
    })
  }
  const setup = {
    bundle: { file: bundle.file, url: bundle.url, files: bundle.files },
    task: task.name,
    ...{ params, input, tables, secrets, stageFolder, partFolder },
    stage: options.stage,
    syncsParts: options.syncsParts && outputKind(output).adds === 'parts',
    engineBytes: memory.engineBytes,
    engineThreads,
    stageBytesMax: options.stageBytesMax,
    readsMax: Math.max(1, Math.floor((options.reads ?? readsOf(input, threads)) / threads)),
    strict,
  }
  const workers = options.pool().workersFor({ setup, onMessage })
  return engineThreads === 1 ? workers : oneAtATime(workers)
}

/** Returns workers that run one job at a time, whose engine uses all CPUs: no thread is idle that could take a second copy. */
function oneAtATime(workers: Workers): Workers {
  const turns = pLimit(1)
  const run: Workers['run'] = (job, control) => turns(() => workers.run(job, control))
  return Object.create(workers, { threads: { value: 1 }, idle: { value: undefined }, run: { value: run } }) as Workers
}

/** The workers of a task that acts in this thread. */
const noThreads: Workers = {
  threads: 1,
  async run({ kind }) {
    throw new PermanentError('STATE_INVALID', `expected no job of a task that acts, got ${kind}`)
  },
  stop() {},
  async close() {},
}

const readsOf = (input: StoreSpec, threads: number): number => (input.kind === 's3' ? 2 * threads : threads)

/** Creates the set in which the threads count the partitions of a run together; undefined for an output without partitions. */
export function partitionSetFor({ output }: TaskDefinition): PartitionSet | undefined {
  const { partitionBy, partitionsMax } = partitioningOf(output)
  return partitionBy.length > 0 ? createPartitionSet(partitionsMax) : undefined
}

/** Creates the limit on the calls of a sink at once, which all batches of a process share; undefined for other outputs. */
export function deliveryLimitFor({ output }: TaskDefinition, threads: number): ProcessTools['deliveries'] {
  const { delivery } = outputKind(output)
  return delivery && pLimit(delivery.concurrency ?? threads)
}

type GivenTools = 'output' | 'workers' | 'partFolder' | 'groupBytes' | 'partitions' | 'deliveries' | 'pace' | 'token'

export interface BatchToolsOptions extends Pick<ProcessTools, GivenTools | 'onSkip' | 'warn'> {
  readonly task: TaskDefinition
  readonly input: Store
  readonly gate: Gate
  readonly stageFolder: string
  /** Buffers of a thread's engine. */
  readonly engineBytes: number
  /** Needed by a task that acts instead of reading rows. */
  readonly machine?: ActingMachine | undefined
  readonly signal?: AbortSignal | undefined
  /** Is called before a job is repeated after a transient error; default no job is repeated. */
  onRepeat?(error: TransientError, waitMs: number): void
}

/** Composes the tools for `processBatch` from folders and threads. */
export function batchTools({
  task,
  input,
  workers,
  groupBytes: machineBytes,
  engineBytes,
  signal,
  stageFolder,
  partitions = partitionSetFor(task),
  deliveries = deliveryLimitFor(task, workers.threads),
  onRepeat,
  machine,
  ...given
}: BatchToolsOptions): ProcessTools {
  const { pieceBytes: groupBytes = isJoin(task) ? Math.min(machineBytes, engineBytes) : machineBytes } = outputKind(
    task.output,
  )
  return {
    ...given,
    workers,
    partitions,
    deliveries,
    actions: actionToolsFor({ task, store: input, machine, signal }),
    groupBytes,
    // Ends early when the run is stopped; the next attempt then throws.
    sleep:
      onRepeat &&
      ((ms, error) => {
        onRepeat(error, ms)
        return delay(ms, undefined, signal && { signal }).catch(() => undefined)
      }),
    readFile: file => readFile(file),
    removeFile: file => rm(file, { force: true }),
    removeTarget,
    callsAtOnce: callsAtOnce(task.source),
    skipsBadMembers: skipsBadMembers(task),
    stream: (slice, object) =>
      streamPieces(slice, object, {
        ...{ input, task, folder: streamFolder(stageFolder), groupBytes, signal },
      }),
    combines: outputKind(task.output).exchange?.combine !== undefined,
    joinFiles,
    partBytes: layoutOf(task.output)?.partBytes ?? 0,
    now: () => performance.now(),
  }
}

/** A join holds rows in the memory of the engine: with more of them at once it would write them to a disk and read them again. */
const isJoin = ({ source }: TaskDefinition): boolean => source.kind === 'exchange' && source.join !== undefined

/** Removes the files of all groups of a share, and of its second copy. */
async function removeTarget(target: string): Promise<void> {
  const names = await readdir(dirname(target))
  const own = names.filter(name => name.startsWith(`${basename(target)}-`))
  for (const name of own) await rm(join(dirname(target), name), { recursive: true, force: true })
}

/** Memory: a few buffers. */
async function joinFiles(files: readonly string[], target: string): Promise<void> {
  await pipeline(async function* () {
    for (const file of files) yield* createReadStream(file)
  }, createWriteStream(target))
  for (const file of files) await rm(file, { force: true })
}
