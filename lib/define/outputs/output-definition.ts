/** The data of outputs: where rows or members go. */
import type { ExchangeOutput, RowOrder } from '../steps/exchange-definition.ts'

export interface ParquetOutput {
  readonly kind: 'parquet'
  /**
   * The dataset's folder under the output root: a template with `{task}`, `{salt}` and `{param}` placeholders. Required.
   * @example parquet({ path: '{task}/{month}' })
   */
  readonly path: string
  /** Columns whose values become folders. Their names begin with neither `_` nor `.`, because readers pass over such folders. */
  readonly partitionBy: readonly string[]
  /** Columns by which the rows of each part are sorted, ascending. */
  readonly sortBy: readonly string[]
  /**
   * The compression of pages. Default `zstd`.
   * @example parquet({ path: '{task}', compression: 'snappy' })
   */
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'uncompressed'
  /**
   * The size that parts come near, in bytes. A part may be a quarter larger, and has at least 2,048 rows. Default 128 MiB.
   * @example parquet({ path: '{task}', partBytes: 64 * 2 ** 20 })
   */
  readonly partBytes: number
  /**
   * The number of rows in a row group, the unit that readers skip by statistics. At least 2,048. Default 122,880.
   * A row group has fewer rows where their values have more than 64 MiB, or a quarter of the memory of a worker's engine; with
   * `partitionBy` only in parts that are split or joined, because those of several partitions are written at once.
   * @example parquet({ path: '{task}', rowGroupRows: 20_480 })
   */
  readonly rowGroupRows: number
  /**
   * Whether columns with at most 10,000 different values in a row group get Bloom filters. Default true.
   * @example parquet({ path: '{task}', bloomFilters: false })
   */
  readonly bloomFilters: boolean
  /**
   * The effect on rows of earlier runs. Default `replace`.
   * @example parquet({ path: '{task}', mode: 'append' })
   */
  readonly mode: OutputMode
  /** The parts have the rows of one bucket each, by a hash of these columns that never changes. Default parts are not by key. */
  readonly bucketBy?: BucketBy
  /** The order of the rows over all parts, which `sortBy` names too. Default rows are in order only within each part. */
  readonly order?: RowOrder
  /**
   * Whether the path moves with the code: `{salt}`, its last folder where the path does not name it, is then a hash of the parameters, of
   * the task's code, and of the code and parameters of all that it requires. So other code writes another dataset, and the older one
   * stays as it is. Without it, `{salt}` is a hash of the parameters alone. Default false.
   * @example parquet({ path: '{task}', salted: true })
   */
  readonly salted: boolean
  /**
   * The number of partitions that a run may write. With more, it fails with TOO_MANY_PARTITIONS. Default 1,000.
   * @example parquet({ path: '{task}', partitionBy: ['shop'], partitionsMax: 5_000 })
   */
  readonly partitionsMax: number
}

/**
 * The effect on rows of earlier runs. `replace`: they go, in one step. `fail`: the run is refused if there are any. `append`:
 * they stay, and only inputs that are new are read. `replacePartitions`: those in partitions of the new rows go.
 */
export type OutputMode = 'replace' | 'fail' | 'replacePartitions' | 'append'

/** How rows are kept by key: two datasets that are kept alike are joined without an exchange. */
export interface BucketBy {
  /** The columns of the key, in an order that counts. */
  readonly columns: readonly string[]
  /** The number of groups into which keys are hashed. */
  readonly buckets: number
}

/** The members of archives themselves, extracted below a path. */
export interface MemberFilesOutput {
  readonly kind: 'memberFiles'
  /**
   * The folder under the output root: a template with `{task}`, `{salt}` and `{param}` placeholders. Required.
   * @example memberFiles({ path: 'pictures/{month}' })
   */
  readonly path: string
  /** The effect on files of earlier runs: `replace`, `fail` or `append`. Default `replace`. */
  readonly mode: OutputMode
}

/** Rows that a function of the user writes. */
export interface SinkOutput {
  readonly kind: 'sink'
  /** The folder of the state that records the runs; nothing else is written there. */
  readonly path: string
  readonly mode: OutputMode
  /** Writes rows; runs in a worker thread. */
  readonly write: (rows: never, context: never) => unknown
  /** Returns whether the rows of a key are written already. */
  readonly isDone?: (context: never) => boolean | Promise<boolean>
  /**
   * The most rows of one call. Default 1,000.
   * @example batchRows: 10_000
   */
  readonly batchRows: number
  /**
   * The most calls at once in one process. Default one in each worker. On AWS each function is a process of its own.
   * @example concurrency: 1
   */
  readonly concurrency?: number
}

/** A Delta table. Its parts are those of Parquet; its transaction log decides which of them count. */
export interface DeltaOutput extends Omit<ParquetOutput, 'kind' | 'mode' | 'bucketBy' | 'order'> {
  readonly kind: 'delta'
  /** `replace` is the mode `overwrite` of the options. */
  readonly mode: Exclude<OutputMode, 'fail'>
}

/** Rows that other tasks of the pipeline read: a dataset below the state, whose parts are removed once these tasks are complete. */
export interface TemporaryOutput extends Omit<ParquetOutput, 'kind' | 'mode' | 'bucketBy' | 'order'> {
  readonly kind: 'temporary'
  readonly mode: 'replace'
}

/** The sign that a task is done which acts instead of writing rows: its record in the state, and the target of its source. */
export interface TargetOutput {
  readonly kind: 'target'
  /** The folder of the state that records the runs; nothing else is written there. */
  readonly path: string
  readonly mode: 'replace'
}

/** A dataset that other tasks of the pipeline read. */
export type DatasetOutput = ParquetOutput | DeltaOutput | TemporaryOutput

/** The place that rows or members go to. */
export type Output =
  | ParquetOutput
  | MemberFilesOutput
  | SinkOutput
  | ExchangeOutput
  | DeltaOutput
  | TemporaryOutput
  | TargetOutput
