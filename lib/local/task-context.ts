/** State that the steps of one task's run on this machine share. */

import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { FetchedTables } from '../inputs/tables.ts'
import type { WorkerResults, Workers } from '../model/worker-job.ts'
import type { PartitionSet } from '../paths/partition-set.ts'
import type { Gate } from '../process/gate.ts'
import type { ProcessTools } from '../process/process-tools.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'
import type { TaskLog } from './task-log.ts'

export interface TaskRun {
  readonly session: Session
  readonly task: TaskDefinition
  readonly params: ParamValues
  /** Columns of the output; undefined when only the first input decides them. */
  readonly schema: WorkerResults['check']['schema'] | undefined
  readonly tables: FetchedTables
  /** The threads of each stage. */
  readonly pools: readonly Workers[]
  readonly gate: Gate
  readonly partitions: PartitionSet | undefined
  readonly deliveries: ProcessTools['deliveries']
  readonly progress: Progress
  readonly log: TaskLog
  readonly started: number
}

/** Time for which a run belongs to its owner without a renewal: a commit changes nothing in its last half, so that requests may outlast an outage. */
export const leaseMs = 180_000
