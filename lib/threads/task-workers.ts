/** The worker threads of one task, and the tools with which its batches are processed, on any machine. */
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { LoadableBundle } from '../bundle/bundle-load.ts'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { TableFile } from '../engine/read/load-tables.ts'
import type { WorkerMessage, Workers } from '../model/worker-job.ts'
import { createPartitionSet, type PartitionSet } from '../paths/partition-set.ts'
import type { Gate } from '../process/gate.ts'
import type { ProcessTools } from '../process/process.ts'
import { streamFolder, streamPieces } from '../process/stream-pieces.ts'
import type { StoreSpec } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import type { MemoryShares } from './machine.ts'
import { openWorkers, type PoolOptions } from './pool.ts'
import type { SecretValues } from './secrets.ts'

export interface TaskWorkersOptions {
  readonly task: TaskDefinition
  readonly params: ParamValues
  readonly bundle: LoadableBundle
  readonly input: StoreSpec
  readonly tables: readonly TableFile[]
  readonly secrets: SecretValues
  readonly threads: number
  readonly memory: MemoryShares
  /** More of the whole process ends the run; default no limit. */
  readonly memoryBytesMax?: number | undefined
  readonly stageFolder: string
  readonly partFolder: string
  /** More text at once than a thread may stage is refused. */
  readonly stageBytesMax: number
  /** Reads in flight over all threads; default 2 × threads, from a disk, which answers at once, 1 ×. */
  readonly reads?: number | undefined
  readonly strict?: boolean | undefined
  onMessage(message: WorkerMessage, job: object): void
  /** Takes threads that were started before; default starts them. */
  readonly open?: (options: PoolOptions) => Workers
}

/** Threads with an engine each; or lean ones, where members are only extracted. */
export function openTaskWorkers(options: TaskWorkersOptions): Workers {
  const { task, params, bundle, input, tables, secrets, threads, memory, stageFolder, partFolder, strict, onMessage } =
    options
  const pool = { threads, heapBytes: memory.heapBytes, memoryBytesMax: options.memoryBytesMax, onMessage }
  const { source, output } = task
  if (output.kind === 'memberFiles' && source.kind === 'zipMembers')
    return openWorkers({
      ...pool,
      entry: 'worker-extract',
      setup: { input, limits: source.limits, onBadMember: source.onBadMember },
    })
  const setup = {
    bundle: { file: bundle.file, url: bundle.url, files: bundle.files },
    task: task.name,
    ...{ params, input, tables, secrets, stageFolder, partFolder },
    engineBytes: memory.engineBytes,
    stageBytesMax: options.stageBytesMax,
    readsMax: Math.max(1, Math.floor((options.reads ?? readsOf(input, threads)) / threads)),
    ...(strict === undefined ? {} : { strict }),
  }
  return (options.open ?? openWorkers)({ ...pool, setup })
}

const readsOf = (input: StoreSpec, threads: number): number => (input.kind === 's3' ? 2 * threads : threads)

/** Where the threads count a run's partitions together; undefined where there are none. */
export const partitionSetFor = ({ output }: TaskDefinition): PartitionSet | undefined =>
  output.kind === 'parquet' && output.partitionBy.length > 0 ? createPartitionSet(output.partitionsMax) : undefined

export interface BatchToolsOptions {
  readonly task: TaskDefinition
  readonly input: Store
  readonly output: Store
  readonly workers: Workers
  readonly gate: Gate
  readonly stageFolder: string
  readonly partFolder: string
  readonly groupBytes: number
  /** Of the whole run, where one process does all its batches; default of this batch. */
  readonly partitions?: PartitionSet | undefined
  /** Tells this try of a batch from any other. */
  readonly token: string
  readonly signal?: AbortSignal | undefined
}

/** What `processBatch` needs of a machine with these folders and threads. */
export function batchTools({
  task,
  input,
  groupBytes,
  signal,
  stageFolder,
  partitions = partitionSetFor(task),
  ...given
}: BatchToolsOptions): ProcessTools {
  return {
    ...given,
    partitions,
    groupBytes,
    // Ends early when the run is stopped: the next try then says so.
    sleep: ms => delay(ms, undefined, signal && { signal }).catch(() => undefined),
    readFile: file => readFile(file),
    removeFile: file => rm(file, { force: true }),
    stream: (slice, object) =>
      streamPieces(slice, object, {
        ...{ input, task, folder: streamFolder(stageFolder), groupBytes: groupBytes / 4 },
        ...(signal && { signal }),
      }),
    partBytes: task.output.kind === 'parquet' ? task.output.partBytes : 0,
    now: () => Date.now(),
  }
}
