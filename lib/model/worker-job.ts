/** What is sent to a worker thread, and what it tells while it works. */
import type { PlainError } from '../errors/errors.ts'
import type { LogLevel } from './events.ts'
import type { InputObject, MembersSlice, StreamSlice } from './plan-data.ts'
import type { ShareJob, SharePart, ShareResult } from './share.ts'
import type { SkippedMember } from './skipped-member.ts'

export type WorkerJob =
  /** Checks the definition against empty typed inputs; gives the schema that comes out. `hive`: columns in the inputs' paths, default as the template names them. */
  | { readonly kind: 'check'; readonly hive?: readonly string[] }
  | ShareJob
  /** One part of several small ones, or several of `fileRows` rows each of a large one. */
  | {
      readonly kind: 'merge'
      readonly files: readonly string[]
      readonly target: string
      readonly fileRows?: number
    }
  /** One file of accounts of those of several groups. */
  | { readonly kind: 'accounts'; readonly files: readonly string[]; readonly target: string }
  /** Members as files below a folder. */
  | {
      readonly kind: 'extract'
      readonly slice: MembersSlice | StreamSlice
      readonly input: InputObject
      readonly folder: string
    }

/** Errors do not cross threads whole, so a worker never rejects. */
export type WorkerAnswer<T> = { readonly value: T } | { readonly error: PlainError }

export interface WorkerResults {
  readonly check: { readonly schema: ShareResult['schema'] }
  readonly share: ShareResult
  readonly merge: readonly SharePart[]
  readonly accounts: null
  readonly extract: {
    readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly crc32: number }[]
    readonly skipped: readonly SkippedMember[]
  }
}

/** The jobs' way to a thread, wherever it is. */
export interface Workers {
  readonly threads: number
  run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>): Promise<WorkerResults[K]>
  /** Whether a thread was given up in a function that does not return: the process is to end. */
  readonly isHung?: boolean
  /** Interrupts what runs; every job then ends with ABORTED. */
  stop(): void
  close(): Promise<void>
}

/** What a job has done of work that is not finished, so that it counts in no total yet. */
export interface UnderWay {
  /** Inflated bytes that are staged. */
  readonly bytesStaged: number
  /** Inflated bytes of the rows that are converted, estimated. */
  readonly bytesConverted: number
  /** Rows that are written, estimated. */
  readonly rows: number
}

export type WorkerMessage =
  /** Replaces what the same job sent before; a `progress` message of the job ends it. */
  | ({ readonly kind: 'underWay' } & UnderWay)
  | {
      readonly kind: 'progress'
      readonly members: number
      readonly bytes: number
      readonly rowsWritten: number
      readonly rowsRejected: number
    }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly slice?: number
      readonly archive?: string
      readonly member?: string
      /** How many more times the line came since it was told. */
      readonly repeats?: number
      readonly fields?: Readonly<Record<string, unknown>>
    }
