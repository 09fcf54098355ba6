/** Jobs of worker threads, their results, and the messages that threads send while they work. */
import type { PlainError } from '../errors/errors.ts'
import type { DoneCounts, LogMessage } from './events.ts'
import type { Outcome } from './outcome/outcome.ts'
import type { SkippedMember } from './outcome/skipped-member.ts'
import type { InputObject, MembersSlice, StreamSlice } from './plan-data.ts'
import type { ShareJob, SharePart, ShareResult } from './share.ts'
import type { StageColumns } from './stage-columns.ts'

interface JobFields {
  /** Checks the definition against empty typed inputs. */
  readonly check: StageColumns
  readonly share: ShareJob
  /** Joins several small parts into one, or splits a large one. */
  readonly merge: {
    readonly files: readonly string[]
    /** Path for the files, without ending; nothing is there yet. */
    readonly target: string
    /** Rows of each file that a large part is split into; default one file. */
    readonly fileRows?: number | undefined
  }
  /** Combines files of an exchange that slices of one batch made. */
  readonly combine: {
    readonly files: readonly string[]
    readonly target: string
    readonly buckets: number
    /** Leaves one file with the rows of all buckets. */
    readonly isUndivided: boolean
  }
  /** Joins the account files of several groups into one. */
  readonly accounts: { readonly files: readonly string[]; readonly target: string }
  /** Gives the rows of part files, in their order, to the function of a sink. */
  readonly deliver: {
    readonly files: readonly string[]
    readonly schema: ShareResult['schema']
    /** The beginning of the keys, to which the number of the call is added. */
    readonly key: string
  }
  /** Maps values of a program. */
  readonly map: { readonly values: readonly unknown[]; readonly firstIndex: number }
  /** Writes members as files below a folder. */
  readonly extract: {
    readonly slice: MembersSlice | StreamSlice
    readonly input: InputObject
    readonly folder: string
  }
}

export type JobKind = keyof JobFields

/** A job of one kind, or of any. */
export type WorkerJob<K extends JobKind = JobKind> = { [P in K]: { readonly kind: P } & JobFields[P] }[K]

/** The result of a job, or its error as plain data, because errors lose their fields between threads. */
export type WorkerAnswer<T> = { readonly value: T } | { readonly error: PlainError }

/** Result of each kind of job. */
export interface WorkerResults {
  readonly check: { readonly schema: ShareResult['schema'] }
  readonly share: ShareResult
  readonly merge: readonly SharePart[]
  readonly combine: readonly SharePart[]
  readonly accounts: null
  readonly deliver: NonNullable<Outcome['delivered']>
  readonly map: readonly unknown[]
  readonly extract: {
    readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly crc32: number }[]
    readonly skipped: readonly SkippedMember[]
  }
}

/** How one job is watched and ended while others run. */
export interface JobControl {
  /** Ends the job when its result is not needed any more; its promise then rejects. */
  readonly signal?: AbortSignal
  /** Is called when the job has not ended some seconds after the signal, and its thread is given up. */
  onGivenUp?(): void
  /** Handles each message of the job; `forward` handles one as usual. Default all are forwarded. */
  onMessage?(message: WorkerMessage, forward: (message: WorkerMessage) => void): void
}

/** Runs jobs on worker threads. */
export interface Workers {
  readonly threads: number
  /** Threads that have no job while no job waits for one; absent where all jobs run in one thread. */
  readonly idle?: number
  run<K extends JobKind>(job: WorkerJob<K>, control?: JobControl): Promise<WorkerResults[K]>
  /** True when a thread was abandoned in a function that does not return. */
  readonly isHung?: boolean
  /** Interrupts the running jobs; every job then fails with ABORTED. */
  stop(): void
  close(): Promise<void>
}

/** Progress of work that is not finished, and so is in no total yet. */
export interface UnderWay {
  /** Staged bytes, inflated. */
  readonly bytesStaged: number
  /** Estimated staged bytes of the rows that are converted. */
  readonly bytesConverted: number
  /** Estimated rows that are written. */
  readonly rows: number
}

export type WorkerMessage =
  /** Replaces the previous `underWay` message of the job; a `progress` message of the job resets it. */
  | ({ readonly kind: 'underWay' } & UnderWay)
  | ({ readonly kind: 'progress' } & DoneCounts)
  | ({ readonly kind: 'log' } & LogMessage)
