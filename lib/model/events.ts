/** What a run tells while it runs, as JSON; the command line's `--json` prints these. */
import type { PlainError } from '../errors/errors.ts'

export type RunEvent =
  | {
      readonly event: 'start'
      readonly task: string
      readonly run: string
      readonly attempt: number
      readonly output: string
    }
  | {
      readonly event: 'plan'
      readonly task: string
      readonly run: string
      readonly archives: number
      readonly members: number
      readonly slices: number
      readonly batches: number
      readonly bytes: number
      readonly bytesIn: number
    }
  | {
      readonly event: 'progress'
      readonly task: string
      readonly run: string
      readonly members: number
      readonly bytes: number
      readonly rowsWritten: number
      readonly rowsRejected: number
      /** What is done now; absent where it is not known, as of a run on AWS. */
      readonly phase?: RunPhase
      /** Inflated bytes that are staged so far: `bytes`, and those of work that is not finished. */
      readonly bytesStaged?: number
      /** Inflated bytes whose rows are converted so far: `bytes`, and an estimate for work that is not finished. */
      readonly bytesConverted?: number
      /** Rows written so far: `rowsWritten`, and an estimate for work that is not finished. */
      readonly rowsSoFar?: number
    }
  | {
      readonly event: 'batch'
      readonly task: string
      readonly run: string
      readonly batch: number
      readonly parts: number
    }
  | {
      readonly event: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly task?: string
      readonly run?: string
      readonly slice?: number
      readonly archive?: string
      readonly member?: string
      /** How many more times the line came. */
      readonly repeats?: number
      readonly fields?: Readonly<Record<string, unknown>>
    }
  | EndEvent

/** `plan`: inputs are found and planned; `convert`: text becomes parts; `merge`: small parts are joined; `commit`: the dataset is made visible. */
export type RunPhase = 'plan' | 'convert' | 'merge' | 'commit'

/** The least first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]
export type RunStatus = 'complete' | 'skipped' | 'failed'
/** `notRun`: a task before it failed. */
export type TaskStatus = RunStatus | 'notRun'

/**
 * What became of one task; bytes are compressed bytes read and Parquet bytes written. Counts of a task that was `skipped`, because it
 * is complete, are those of the whole dataset.
 */
export interface TaskResult {
  readonly task: string
  /** Empty where no run was begun. */
  readonly run: string
  readonly status: TaskStatus
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  readonly rowsFiltered: number
  readonly members: number
  /** Members that were bad and passed over. */
  readonly membersSkipped: number
  readonly parts: number
  readonly bytesIn: number
  /** Inflated bytes that were read; those of batches that an earlier process did are not among them. */
  readonly bytesInflated: number
  readonly bytesOut: number
  readonly seconds: number
  /** URL or path of the dataset. */
  readonly output: string
}

export interface EndEvent {
  readonly event: 'end'
  readonly status: RunStatus
  readonly tasks: readonly TaskResult[]
  readonly error?: Pick<PlainError, 'code' | 'message' | 'detail'>
}

/** Whether a line of `level` is shown where `least` is asked for. */
export const isAtLeast = (level: LogLevel, least: LogLevel): boolean =>
  logLevels.indexOf(level) >= logLevels.indexOf(least)
