/** Worker threads that outlive an invocation, so that the next batch of the same run finds its engines and modules loaded. */
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { groupBytesOf } from '../aws/tier.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import { fetchTables } from '../inputs/tables.ts'
import { taskNamed } from '../model/resolve-task.ts'
import type { WorkerMessage, Workers } from '../model/worker-job.ts'
import type { KeptReservation } from '../runs/reservation-file.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { stateRoot } from '../store/state-root.ts'
import { endIfThreadsAreLost } from '../threads/end-process.ts'
import { makeStageFolder, shareMemory } from '../threads/machine.ts'
import { environmentSecrets, type SecretValues } from '../threads/secrets.ts'
import { openTaskWorkers } from '../threads/task-workers.ts'
import { resetHeapFlags } from '../threads/thread-memory.ts'
import { managedSecrets } from './aws-secrets.ts'
import type { LambdaSettings } from './environment.ts'
import type { LambdaSession } from './session.ts'
import { logMessage } from './telemetry.ts'

export interface WarmThreads {
  readonly task: TaskDefinition
  readonly workers: Workers
  readonly stageFolder: string
  readonly partFolder: string
  readonly groupBytes: number
  /** Empties the folder of parts, which would grow from invocation to invocation. */
  emptyPartFolder(): Promise<void>
}

let warm: { readonly key: string; readonly threads: WarmThreads } | undefined

/** Returns the threads of the invocation before where they fit, else opens new ones; one process does one batch at a time. @throws INPUT_CHANGED when a broadcast table is not the one that plan saw */
export async function openWarmThreads(lambda: LambdaSession, kept: KeptReservation): Promise<WarmThreads> {
  const { task, params, codeHash } = kept.run
  const key = JSON.stringify([lambda.settings, task, params, codeHash, kept.tables])
  if (warm?.key === key) return warm.threads
  await closeWarmThreads()
  const threads = await open(lambda, kept)
  warm = { key, threads }
  return threads
}

/** Ends the threads, because the cause of a failure may still be in them. A hung thread ends with the process. */
export async function closeWarmThreads(): Promise<void> {
  const { threads } = warm ?? {}
  warm = undefined
  if (!threads) return
  await threads.workers.close()
  // Returning would leave the hung thread running beside the next batch. Exiting is reported as Runtime.ExitError, which goes to the next tier.
  if (threads.workers.isHung && process.env.AWS_LAMBDA_RUNTIME_API) {
    endIfThreadsAreLost()
    process.exit(1)
  }
  removeOwnFolder(threads.stageFolder)
  removeOwnFolder(threads.partFolder)
}

/** Fraction of a function's memory beyond which the batch ends with OUT_OF_MEMORY. */
const ceilingShare = 0.92

/** Fraction of a function's memory for the threads; the rest is for Node, and for reads and uploads in flight. */
const memoryShare = 0.75

async function open(lambda: LambdaSession, kept: KeptReservation): Promise<WarmThreads> {
  const { settings } = lambda
  const { tier, output } = settings
  const groupBytes = settings.groupBytes ?? groupBytesOf(tier)
  const stageFolder = makeStageFolder((tier.threads + 1) * 2 * groupBytes)
  const partFolder = makeOwnFolder(output.kind === 'disk' ? join(output.folder, stateRoot, 'tmp') : tmpdir())
  try {
    return await openIn({ stageFolder, partFolder, groupBytes }, lambda, kept)
  } catch (error) {
    removeOwnFolder(stageFolder)
    removeOwnFolder(partFolder)
    throw error
  }
}

async function openIn(
  { stageFolder, partFolder, groupBytes }: Pick<WarmThreads, 'stageFolder' | 'partFolder' | 'groupBytes'>,
  { settings, bundle, input, pipeline }: LambdaSession,
  { run, tables: planned }: KeptReservation,
): Promise<WarmThreads> {
  const { tier } = settings
  const task = taskNamed(pipeline, run.task)
  const tables = await fetchTables({ input, stageFolder }, task, run.params)
  if (tables.identity !== planned)
    throw new PermanentError(
      'INPUT_CHANGED',
      `task ${task.name}: a broadcast table is not the one that plan saw; run it again`,
      { task: task.name },
    )
  resetHeapFlags()
  const workers = openTaskWorkers({
    ...{ task, params: run.params, bundle, stageFolder, partFolder, tables: tables.files },
    // Threads retry until the deadline stops them.
    input:
      settings.input.kind === 's3' ? { ...settings.input, refusedMs: settings.timeoutSeconds * 1000 } : settings.input,
    secrets: await secretsOf(task, settings),
    threads: tier.threads,
    memory: shareMemory(tier.memoryMb * 1.048576 * memoryShare, tier.threads),
    stageBytesMax: 4 * groupBytes,
    // Below the limit at which the platform ends the process, so that the error names the batch.
    memoryBytesMax: tier.memoryMb * 1_048_576 * ceilingShare,
    onMessage: (message: WorkerMessage) => logMessage(message),
  })
  const emptyPartFolder = async (): Promise<void> => {
    for (const name of await readdir(partFolder)) await rm(join(partFolder, name), { recursive: true, force: true })
  }
  return { task, workers, stageFolder, partFolder, groupBytes, emptyPartFolder }
}

function secretsOf(task: TaskDefinition, { input, secretArns: arns }: LambdaSettings): Promise<SecretValues> {
  return input.kind === 's3' ? managedSecrets(task, { arns }) : Promise.resolve(environmentSecrets(task))
}
