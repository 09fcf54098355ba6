/** The stores, threads and functions of a machine with which a batch is processed. */
import type { Action } from '../model/action.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { BatchWork, PlanItem } from '../model/plan-data.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import type { PartitionSet } from '../paths/partition-set.ts'
import type { Store } from '../store/store.ts'
import type { ShareOutTools } from './share/distribute.ts'

/**
 * Turns the slices of a batch into what a kind of output takes. Leaves everything pending, so that nothing is visible before commit. Returns
 * the outcome without its seconds. @throws whatever reading, converting or storing throws
 */
export type WorkOfBatch = (
  run: RunFrame,
  item: PlanItem,
  work: BatchWork,
  tools: ProcessTools,
) => Promise<Omit<Outcome, 'seconds'>>

export interface ProcessTools extends ShareOutTools {
  readonly output: Store
  /** Reads a part file or a file of rejects as bytes. */
  readFile(file: string): Promise<Uint8Array>
  readonly partBytes: number
  /** Whether rows that go to an exchange can be combined first. Default false. */
  readonly combines?: boolean
  /** Writes the bytes of several files, one after another, into a new one, and removes them. */
  joinFiles(files: readonly string[], target: string): Promise<void>
  /** Partitions that the run has met so far in this process; default each batch counts its own. */
  readonly partitions?: PartitionSet | undefined
  /** Limits the calls of a sink at once, over all batches of this process; set for a task whose output is a sink. */
  readonly deliveries?: (<T>(deliver: () => Promise<T>) => Promise<T>) | undefined
  /** Set for a task that acts instead of reading rows. */
  readonly actions?: ActionTools | undefined
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number
  /** Skips looking for an existing outcome (saves a request); set when no one can have processed this batch before. Default false. */
  readonly isFirstTry?: boolean
}

/** The means of a machine for tasks that act. */
export interface ActionTools {
  /** Performs an action and returns when it has ended. @throws PROGRAM_FAILED, CALL_FAILED, the reason of an abort */
  perform(action: Action, run: RunFrame): Promise<void>
  /** Holds the target. */
  readonly store: Pick<Store, 'list' | 'stat' | 'url'>
  /** Rejects when the run is stopped. */
  pause(ms: number): Promise<void>
  note(message: string): void
}
