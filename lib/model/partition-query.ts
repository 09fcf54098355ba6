/** Asks which partitions of a dataset may have rows for conditions. */
import type { SqlStep } from '../define/definition.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { SchemaColumn } from './outcome/manifest.ts'

export interface PartitionQuery {
  /** Conditions over the columns of the dataset; rows must meet all. */
  readonly conditions: readonly Pick<SqlStep, 'texts' | 'values'>[]
  readonly schema: readonly SchemaColumn[]
  /** Values by the columns of `partitionBy`, the same columns in all. */
  readonly partitions: readonly Partition[]
}
