/** State that the steps of one task's run on this machine share. */
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { FanmillError } from '../errors/errors.ts'
import type { FetchedTables } from '../inputs/tables.ts'
import type { RunStatus, TaskResult } from '../model/events.ts'
import type { UpstreamIdentity } from '../model/run/identity.ts'
import type { ExternalTarget, UpstreamNode } from '../model/run/upstream-node.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'
import type { Store } from '../store/store.ts'
import { engineServices } from '../threads/engine-services.ts'
import { isAlive } from '../threads/pool/machine.ts'
import type { BatchToolsOptions } from '../threads/pool/task-workers.ts'
import type { SecretValues } from '../threads/secrets.ts'
import type { Progress } from './log/progress.ts'
import type { TaskLog } from './log/task-log.ts'
import type { Session } from './session.ts'

/** A task with its parameters, and what it requires. */
export interface TaskNode {
  readonly task: TaskDefinition
  readonly params: ParamValues
  /** Path of its output under the output root. */
  readonly outputPath: string
  readonly upstream: readonly UpstreamNode[]
  readonly targets: readonly ExternalTarget[]
  /** No other node of the walk needs the threads. */
  readonly isAlone: boolean
}

/** A task whose inputs are about to be found. */
export interface BegunTask extends TaskNode {
  readonly session: Session
  /** The requirements of the task besides the rows that its source reads. */
  readonly required: readonly UpstreamIdentity[]
  readonly tables: FetchedTables
  readonly progress: Progress
  readonly log: TaskLog
  readonly started: number
}

/** A task whose threads are open. */
export interface TaskRun extends BegunTask, Pick<BatchToolsOptions, 'gate' | 'partitions' | 'deliveries'> {
  /** Columns of the output; undefined when only the first input decides them. */
  readonly schema: WorkerResults['check']['schema'] | undefined
  readonly secrets: SecretValues
  /** The threads of each stage. */
  readonly pools: readonly Workers[]
}

/** Result of a task; a failure comes with the counts that are known. */
export interface TaskEnd {
  readonly result: TaskResult
  readonly error?: FanmillError
}

export interface RunResult {
  /** `skipped` when every task was complete already. */
  readonly status: RunStatus
  /** One for each task, in order; those that read the rows of a failed one have the status `notRun`. */
  readonly tasks: readonly TaskResult[]
  /** Why the run failed; undefined unless it did. */
  readonly error?: FanmillError
}

/** Time for which a run belongs to its owner without a renewal: a commit changes nothing in its last half, so that requests may outlast an outage. */
export const leaseMs = 180_000

/** The part of every task's context that this machine decides, with the clock of the output. */
export const thisMachine = (output: Store) => ({ ...engineServices, isAlive, leaseMs, now: () => output.now() })
