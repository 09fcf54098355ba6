/** What `run` takes, and what it gives. */
import type { FanmillError } from '../errors/errors.ts'
import type { LogLevel, RunEvent, RunStatus, TaskResult } from '../model/events.ts'

export interface RunOptions {
  /** One task by name; default all of the pipeline. */
  readonly task?: string
  readonly params?: Readonly<Record<string, unknown>>
  /** Folder, or `s3://bucket/prefix`, under which sources and tables are found; default the working directory. */
  readonly input?: string
  /** Folder, or `s3://bucket/prefix`, under which outputs and the state are; default `out`. */
  readonly output?: string
  /** Of the AWS configuration files; default as the AWS SDK finds credentials. */
  readonly profile?: string
  /** Of the buckets; default as the AWS SDK finds it. */
  readonly region?: string
  /** Key with which objects are encrypted that are written to S3; default as the bucket says. */
  readonly kmsKeyId?: string
  /** Threads; default as many as CPUs this process may use, and as memory is enough for. */
  readonly workers?: number
  /** Reads in flight; default twice the workers. */
  readonly reads?: number
  /**
   * Megabytes of the whole process, shared out to its threads; default 70 % of what it may use. Less than they need is
   * refused. Bounds engines, heaps and reads; a member is inflated whole up to 64 MiB, and staged text in a tmpfs is kept
   * below the budget, apart from it.
   */
  readonly memoryMb?: number
  /** In place of the task's own limit. */
  readonly rejectsMax?: number | `${number}%`
  /** Ends at the first failed batch; default the others are finished first. */
  readonly failFast?: boolean
  /** Part of the members only, into `.fanmill/sample` below the output. */
  readonly sample?: number | `${number}%`
  /** Runs again what is complete. */
  readonly force?: boolean
  /** In place of the task's own. */
  readonly strict?: boolean
  readonly logLevel?: LogLevel
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

export interface RunResult {
  readonly status: RunStatus
  readonly tasks: readonly TaskResult[]
  /** Why it failed. */
  readonly error?: FanmillError
}
