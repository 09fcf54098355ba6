/** The data of exchanges: the steps that need rows of one key together, and what they are compiled to. */
import type { ColumnDefinition } from '../columns/column-definition.ts'
import type { JoinStep } from './join-definition.ts'

/** Brings the rows of one key together for the steps after it. */
export interface ExchangeStep {
  readonly kind: 'exchange'
  /** The columns of the key. */
  readonly by: readonly string[]
  /** The number of groups into which keys are hashed. Default by the bytes of the run. */
  readonly buckets?: number
}

/** Makes one row of the rows of each key. */
export interface ReduceStep extends Omit<ExchangeStep, 'kind'> {
  readonly kind: 'reduce'
  readonly measures: Measures
}

/** Keeps one row of each key. */
export interface DistinctStep extends Omit<ExchangeStep, 'kind'> {
  readonly kind: 'distinct'
  /** The column whose greatest value decides which row is kept. Default the greatest row by all columns. */
  readonly latest?: string
}

/** A step that ends a stage: between the stages stands an exchange. */
export type ExchangingStep = ExchangeStep | ReduceStep | DistinctStep

/** The value that is computed of the rows of a key. */
export type Measure =
  | { readonly kind: 'count'; readonly column?: string }
  | { readonly kind: 'min' | 'max' | 'mean' | 'variance' | 'stddev'; readonly column: string }
  | { readonly kind: 'sum'; readonly column: string; readonly as?: ColumnDefinition | undefined }
  | (OrderedMeasure & { readonly kind: 'first' | 'last' })
  | (ListMeasure & { readonly kind: 'listOf' })
  | (ListMeasure & { readonly kind: 'textOf'; readonly separator: string })
  | { readonly kind: 'countDistinct'; readonly column: string; readonly isApproximate: boolean }
  | { readonly kind: 'quantile'; readonly column: string; readonly fraction: number; readonly isApproximate: boolean }
  | OwnAggregate

interface OrderedMeasure {
  readonly column: string
  readonly orderBy: readonly string[]
}

interface ListMeasure extends OrderedMeasure {
  /** The most values; those after them are left out. */
  readonly limit: number
}

/** An aggregate that the user writes in SQL. Its states have names, which stand as `{name}` in the expressions that read them. */
export interface OwnAggregate {
  readonly kind: 'aggregate'
  readonly column?: undefined
  readonly columns: readonly string[]
  readonly partial: Readonly<Record<string, string>>
  readonly combine: Readonly<Record<string, string>>
  readonly finish: string
}

/** Measures by the names of their columns. */
export type Measures = Readonly<Record<string, Measure>>

/**
 * A step that an engine applies to rows of which those with one key are together, in a slice or in a bucket. `partial` makes of the rows
 * what can be combined, `combine` joins several of it, and `final` makes the measures. `whole` makes them of the rows themselves.
 */
export type KeyedStep = AggregateStep | LatestStep | PickStep

/** Leaves only the columns that a reduction of whole rows needs. */
export interface PickStep {
  readonly kind: 'pick'
  readonly by: readonly string[]
  readonly measures: Measures
}

export interface AggregateStep extends Omit<PickStep, 'kind'> {
  readonly kind: 'aggregate'
  readonly phase: 'partial' | 'combine' | 'final' | 'whole'
}

export interface LatestStep {
  readonly kind: 'latest'
  readonly by: readonly string[]
  readonly latest?: string | undefined
}

/** The order of all rows of a dataset. Nulls are last, NaN is greater than other numbers, and texts are compared by their bytes. */
export interface RowOrder {
  readonly columns: readonly string[]
  /** Those of the columns whose greatest values are first. */
  readonly descending: readonly string[]
}

/** The place that the rows of a stage before the last go to: files of the state, by bucket of the key. */
export interface ExchangeOutput {
  readonly kind: 'exchange'
  /** The path and mode of the task's own output. */
  readonly path: string
  readonly mode: 'replace' | 'fail' | 'replacePartitions' | 'append'
  readonly by: readonly string[]
  readonly buckets?: number | undefined
  /** Combines what the slices of a batch have made, before it is exchanged. Absent where there is nothing to combine. */
  readonly combine?: KeyedStep | undefined
  /**
   * The treatment of rows whose key has a null, which have no partner in a join: they are left out, or spread over all buckets.
   * Default null is a key like any other.
   */
  readonly nullKeys?: 'drop' | 'spread' | undefined
  /** Rows go to the next stage in sorted runs, cut into chunks, in place of buckets: the output has all rows in this order. */
  readonly order?: RowOrder | undefined
  /** Keys are hashed by the documented hash of datasets that are kept by key. */
  readonly isKept?: boolean | undefined
}

/** The rows of the stage before. */
export interface ExchangeSource {
  readonly kind: 'exchange'
  readonly by: readonly string[]
  /** Set where two stages exchange their rows, which are joined when they are read. */
  readonly join?: JoinStep | undefined
  /** The rows are in sorted runs, of which a slice reads a range of the order. */
  readonly isOrdered?: boolean | undefined
  /** Each bucket is written by itself, because the output keeps rows by key. */
  readonly isKept?: boolean | undefined
  /** The rows are those of datasets that are kept by key, which are joined as they are. */
  readonly areParts?: boolean | undefined
  readonly format: { readonly kind: 'parquet' }
  readonly hive: false
}
