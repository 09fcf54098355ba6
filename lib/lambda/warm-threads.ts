/** Keeps worker threads between invocations: the next batch of one of the last two runs finds engines and modules loaded. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { groupBytesOf } from '../aws/tier.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import { stageOf } from '../define/tasks/task-stages.ts'
import { PermanentError } from '../errors/errors.ts'
import { fetchTables } from '../inputs/tables.ts'
import { taskNamed } from '../model/run/resolve-task.ts'
import type { WorkerMessage } from '../model/worker-job.ts'
import type { KeptReservation } from '../runs/reservation-file.ts'
import { outlastingOutages } from '../store/outage.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { stateRoot } from '../store/state-root.ts'
import { engineServices } from '../threads/engine-services.ts'
import { endIfThreadsAreLost } from '../threads/pool/end-process.ts'
import { type MemoryShares, makeStageFolder, shareMemory } from '../threads/pool/machine.ts'
import { openPool, type PoolOptions, type ThreadPool } from '../threads/pool/pool.ts'
import { type BatchToolsOptions, openTaskWorkers } from '../threads/pool/task-workers.ts'
import { environmentSecrets, type SecretValues } from '../threads/secrets.ts'
import { resetHeapFlags } from '../threads/worker/thread-memory.ts'
import { managedSecrets } from './aws-secrets.ts'
import type { LambdaSettings } from './environment.ts'
import type { LambdaSession } from './session.ts'
import { taskUpstream } from './task-upstream.ts'
import { logMessage } from './telemetry.ts'

/** The task, threads and folders that process a batch. */
export interface WarmTask
  extends Pick<BatchToolsOptions, 'task' | 'workers' | 'stageFolder' | 'partFolder' | 'groupBytes' | 'engineBytes'> {
  readonly secrets: SecretValues
  /** Empties the folder of parts, which would otherwise grow with each batch of the process. */
  emptyPartFolder(): Promise<void>
}

/** Limit on the runs whose threads are kept; each costs an engine per thread. */
const runsMax = 2

/** Fraction of a function's memory beyond which a batch ends with OUT_OF_MEMORY. */
const ceilingShare = 0.92

/** Fraction of a function's memory for threads; the rest is for Node, and for reads and uploads in flight. */
const memoryShare = 0.75

let warm: WarmPool | undefined

/** Returns the threads for a batch; one process processes one batch at a time. @throws INPUT_CHANGED when a broadcast table differs from the planned one */
export async function openWarmThreads(lambda: LambdaSession, kept: KeptReservation, stage = 0): Promise<WarmTask> {
  const settings = JSON.stringify(lambda.settings)
  if (warm && warm.settings !== settings) await closeWarmThreads()
  warm ??= new WarmPool(lambda.settings, settings)
  return warm.open(lambda, kept, stage)
}

/** Ends the threads: after a failure, whose cause may still be in them. A thread that does not return ends with the process. */
export async function closeWarmThreads(): Promise<void> {
  const threads = warm
  warm = undefined
  await threads?.close()
}

/** A pool, the folders of its threads, and the runs that it was last used for. */
class WarmPool {
  readonly settings: string
  readonly #stageFolder: string
  readonly #partFolder: string
  readonly #groupBytes: number
  readonly #machine: Omit<PoolOptions, 'heapBytes'> & { readonly memory: MemoryShares }
  /** Opened tasks by run, the most recently used last. */
  readonly #tasks = new Map<string, WarmTask>()
  #pool: ThreadPool | undefined
  #openedCount = 0

  constructor({ tier, output, ...settings }: LambdaSettings, key: string) {
    this.settings = key
    this.#groupBytes = settings.groupBytes ?? groupBytesOf(tier)
    this.#stageFolder = makeStageFolder((tier.threads + 1) * 2 * this.#groupBytes)
    this.#partFolder = makeOwnFolder(output.kind === 'disk' ? join(output.folder, stateRoot, 'tmp') : tmpdir())
    this.#machine = {
      threads: tier.threads,
      memory: shareMemory(tier.memoryMb * 1.048576 * memoryShare, tier.threads),
      // Below the limit of the platform, so that the batch fails with its own error and place instead of ending the process.
      memoryBytesMax: Math.floor(tier.memoryMb * 1_048_576 * ceilingShare),
    }
  }

  async open(lambda: LambdaSession, kept: KeptReservation, stage: number): Promise<WarmTask> {
    const { task, params, codeHash } = kept.run
    // A task with a version of its own has one code hash for any code.
    const key = JSON.stringify([task, params, codeHash, kept.tables, stage, lambda.bundle.url])
    const found = this.#tasks.get(key)
    this.#tasks.delete(key)
    for (const [other, { workers, stageFolder }] of this.#tasks) {
      if (this.#tasks.size < runsMax) break
      this.#tasks.delete(other)
      await workers.close()
      await rm(stageFolder, { recursive: true, force: true })
    }
    const opened = found ?? (await this.#openTask(lambda, kept, stage))
    this.#tasks.set(key, opened)
    return opened
  }

  async #openTask(lambda: LambdaSession, { run, tables: planned }: KeptReservation, stage: number): Promise<WarmTask> {
    const { settings, bundle, input, output, pipeline } = lambda
    const whole = taskNamed(pipeline, run.task)
    const task = stageOf(whole, stage)
    const [partFolder, groupBytes] = [this.#partFolder, this.#groupBytes]
    // Each run has a folder of its own, because tables of two runs may have the same name.
    const stageFolder = join(this.#stageFolder, `run-${this.#openedCount++}`)
    await mkdir(stageFolder)
    const readsTasks = Object.values(whole.tables).some(({ of }) => of !== undefined)
    const needs = readsTasks ? await taskUpstream(lambda, whole, { params: run.params }) : undefined
    const stores = { ...engineServices, input, output, upstream: needs?.upstream }
    const tables = await fetchTables({ ...stores, stageFolder }, task, run.params)
    if (tables.identity !== planned) {
      const message = `task ${task.name}: expected the broadcast tables of the plan, got changed ones; run it again`
      throw new PermanentError('INPUT_CHANGED', message, { task: task.name })
    }
    const place = settings[sourceRoot(task.source)]
    const { input: inputPlace, secretArns } = settings
    const secrets = inputPlace.kind === 's3' ? await managedSecrets(task, secretArns) : environmentSecrets(task)
    const workers = openTaskWorkers({
      ...{ task, stage, params: run.params, bundle, stageFolder, partFolder, tables: tables.files, ...this.#machine },
      // Refused requests are retried until the deadline, which stops the threads.
      input: { ...outlastingOutages(place), ...(place.kind === 's3' && { refusedMs: settings.timeoutSeconds * 1000 }) },
      secrets,
      stageBytesMax: 4 * groupBytes,
      pool: () => this.#openPool(),
      onMessage: (message: WorkerMessage) => logMessage(message),
    })
    const emptyPartFolder = async (): Promise<void> => {
      for (const name of await readdir(partFolder)) await rm(join(partFolder, name), { recursive: true, force: true })
    }
    const { engineBytes } = this.#machine.memory
    return { task, workers, secrets, stageFolder, partFolder, groupBytes, engineBytes, emptyPartFolder }
  }

  #openPool(): ThreadPool {
    if (this.#pool) return this.#pool
    resetHeapFlags()
    const { memory, ...options } = this.#machine
    this.#pool = openPool({ ...options, heapBytes: memory.heapBytes })
    return this.#pool
  }

  async close(): Promise<void> {
    const workers = [...this.#tasks.values()].map(each => each.workers)
    for (const each of workers) await each.close()
    await this.#pool?.close()
    // Returning would leave the hung thread running beside the next batch. Exiting is reported as Runtime.ExitError, which goes to the next tier.
    if (workers.some(each => each.isHung) && process.env.AWS_LAMBDA_RUNTIME_API) {
      endIfThreadsAreLost()
      process.exit(1)
    }
    removeOwnFolder(this.#stageFolder)
    removeOwnFolder(this.#partFolder)
  }
}
