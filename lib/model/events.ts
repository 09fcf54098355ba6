/** Events of a run, as JSON; the command line's `--json` prints them. */
import type { PlainError } from '../errors/errors.ts'
import type { NodeName } from './run/node-name.ts'
import type { RunReason } from './run/reason.ts'

/** Fields of every event about a run. */
interface RunPlace extends NodeName {
  readonly runId: string
}

export type RunEvent =
  | (RunPlace & {
      readonly event: 'start'
      readonly attempt: number
      readonly output: string
      /** Why the run is necessary; absent where that is unknown, as for a run on AWS. */
      readonly reasons?: readonly RunReason[]
    })
  | (RunPlace & {
      readonly event: 'plan'
      /** Archives or files that are read. */
      readonly inputs: number
      readonly members: number
      readonly slices: number
      readonly batches: number
      readonly bytes: number
      readonly bytesIn: number
    })
  | (RunPlace &
      DoneCounts & {
        readonly event: 'progress'
        /** The present phase; absent where it is unknown, as for a run on AWS. */
        readonly phase?: RunPhase
        /** Inflated bytes staged so far: `bytes`, and those of unfinished work. */
        readonly bytesStaged?: number
        /** Inflated bytes whose rows are converted so far: `bytes`, and an estimate for unfinished work. */
        readonly bytesConverted?: number
        /** Rows written so far: `rowsWritten`, and an estimate for unfinished work. */
        readonly rowsSoFar?: number
      })
  | (RunPlace & {
      readonly event: 'batch'
      readonly batch: number
      readonly parts: number
    })
  | (Partial<RunPlace> & LogMessage & { readonly event: 'log' })
  | NodeEvent
  | EndEvent

/** The amounts of finished work. */
export interface DoneCounts {
  readonly members: number
  readonly bytes: number
  readonly rowsWritten: number
  readonly rowsRejected: number
}

/** A line of a log, before its time and the run are added. */
export interface LogMessage {
  readonly level: LogLevel
  readonly message: string
  readonly slice?: number
  readonly archive?: string
  readonly member?: string
  /** Number of repetitions since the line was logged. */
  readonly repeats?: number
  readonly fields?: Readonly<Record<string, unknown>>
}

/** `plan`: inputs are found and planned; `convert`: text becomes parts; `merge`: small parts are joined; `commit`: the dataset is made visible. */
export type RunPhase = 'plan' | 'convert' | 'merge' | 'commit'

/** From the least to the most severe. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]
export type RunStatus = 'complete' | 'skipped' | 'failed'
/** `notRun`: a task whose rows it reads failed, or any task before it with `failFast`. */
export type TaskStatus = RunStatus | 'notRun'

/**
 * The result of one task; bytes are compressed bytes read and Parquet bytes written. A task that was `skipped`, because it is complete,
 * has the counts of the whole dataset.
 */
export interface TaskResult extends NodeName {
  /** Id of the run; empty where none was begun. */
  readonly runId: string
  readonly status: TaskStatus
  /** Why its run was necessary; absent where none was begun, and for a run on AWS. */
  readonly reasons?: readonly RunReason[]
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  readonly rowsFiltered: number
  readonly members: number
  /** Bad members that were skipped. */
  readonly membersSkipped: number
  readonly parts: number
  /** Parts of a dataset that were not read, because their partitions have no row for the conditions; 0 for other inputs. */
  readonly partsSkipped: number
  /** Row groups of the parts of a dataset that were not read, because no row of them meets the conditions. */
  readonly rowGroupsSkipped: number
  /** Bytes read, of Parquet files only those of the columns and row groups that are needed. */
  readonly bytesIn: number
  /** Inflated bytes that this process read, without batches of an earlier process. */
  readonly bytesInflated: number
  readonly bytesOut: number
  readonly seconds: number
  /** URL or path of the dataset. */
  readonly output: string
  /** Why it failed; absent for a run on AWS. */
  readonly error?: Pick<PlainError, 'code' | 'message'>
  /** The failed node because of which it was not run; absent on AWS, and after a stop. */
  readonly blockedBy?: string
}

/** A node has ended, or will not run. */
export interface NodeEvent extends TaskResult {
  readonly event: 'node'
  readonly error?: Pick<PlainError, 'code' | 'message' | 'detail'>
}

export interface EndEvent {
  readonly event: 'end'
  readonly status: RunStatus
  readonly tasks: readonly TaskResult[]
  readonly error?: Pick<PlainError, 'code' | 'message' | 'detail'>
}

/** Whether a line of `level` is shown when lines from `least` on are shown. */
export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  logLevels.indexOf(level) >= logLevels.indexOf(least)
