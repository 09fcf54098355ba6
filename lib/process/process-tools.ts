/** The stores, threads and functions of a machine with which a batch is processed. */
import type { PartitionSet } from '../paths/partition-set.ts'
import type { Store } from '../store/store.ts'
import type { ActionTools } from './act-on-batch.ts'
import type { ShareOutTools } from './share-out.ts'

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
  readonly now: () => number
  /** Skips looking for an existing outcome (saves a request); set when no one can have processed this batch before. Default false. */
  readonly isFirstTry?: boolean
}
