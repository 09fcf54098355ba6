/** Builds the steps that bring rows of one key together. */
import * as v from 'valibot'
import { engineName } from '../../errors/engine-name.ts'
import { record } from '../../errors/record-schema.ts'
import { check, invalid, options, piece } from '../check.ts'
import { frozen } from '../freeze.ts'
import { count, differInMoreThanCase, filledText, names } from '../schemas.ts'
import type { DistinctStep, ExchangeStep, Measure, ReduceStep } from './exchange-definition.ts'

/** The options that all exchanges have. */
export interface ExchangeOptions<Column extends string = string> {
  /**
   * The columns of the key. Required.
   * @example exchange({ by: ['customer'] })
   */
  readonly by: readonly Column[]
  /**
   * The number of groups into which keys are hashed, at most 65,536. Each must fit into the memory of a thread, or is spilled to disk.
   * Default by the bytes of the run.
   * @example exchange({ by: ['customer'], buckets: 200 })
   */
  readonly buckets?: number
}

/** The options of `reduce`. */
export interface ReduceOptions<Column extends string, M> extends ExchangeOptions<Column> {
  /**
   * The values that are computed of the rows of each key, by the names of the new columns. Required.
   * @example reduce({ by: ['origin'], measures: { flights: count(), delay: sum('delay') } })
   */
  readonly measures: M
}

/** The options of `distinct`. */
export interface DistinctOptions<Column extends string, Latest extends string> extends ExchangeOptions<Column> {
  /**
   * The column whose greatest value decides which row of a key is kept. Rows with equal values are compared by all columns. Default
   * all columns alone.
   * @example distinct({ by: ['id'], latest: 'updated_at' })
   */
  readonly latest?: Latest
}

/** Hive-style folders and files of one batch: more buckets would make tiny files. */
export const bucketsMax = 65_536

export const bucketCount = v.pipe(count(1), v.maxValue(bucketsMax, `a whole number from 1 to ${bucketsMax}`))
export const keyColumns = v.pipe(names, v.minLength(1, 'at least one column'))
const measures = [
  ...(['count', 'sum', 'min', 'max', 'mean', 'variance', 'stddev'] as const),
  ...(['first', 'last', 'listOf', 'textOf', 'countDistinct', 'quantile', 'aggregate'] as const),
] satisfies Measure['kind'][]
const shared = { by: keyColumns, buckets: v.optional(bucketCount) }
const exchangeOptions = options(shared, { keys: 'by', key: 'by', on: 'by' })
const reduceOptions = options(
  {
    ...shared,
    measures: v.pipe(
      record(filledText, piece<Measure>('a measure such as count() or sum(column)', measures), 'measures by name'),
      v.check(all => differInMoreThanCase(Object.keys(all)), 'names that differ in more than case'),
    ),
  },
  { groupBy: 'by', keys: 'by', aggregates: 'measures' },
)
const distinctOptions = options({ ...shared, latest: v.optional(filledText) }, { on: 'by', subset: 'by', keys: 'by' })

/** Returns the step that brings rows of one key together. @throws DEFINITION_INVALID */
export function exchangeStep(given: ExchangeOptions): ExchangeStep {
  return frozen({ kind: 'exchange', ...check('exchange', exchangeOptions, given) })
}

/** Returns the step that makes one row of each key. @throws DEFINITION_INVALID */
export function reduceStep(given: ReduceOptions<string, Readonly<Record<string, Measure>>>): ReduceStep {
  const { by, buckets, measures } = check('reduce', reduceOptions, given)
  const names = Object.keys(measures)
  if (names.length === 0)
    throw invalid('reduce: measures', 'expected at least one measure, got none; distinct keeps one row of each key')
  const lower = by.map(engineName)
  const both = names.find(name => lower.includes(engineName(name)))
  if (both !== undefined) throw invalid('reduce: measures', `expected names that by does not use, got ${both} in both`)
  return frozen({ kind: 'reduce', by, measures: { ...measures }, buckets })
}

/** Returns the step that keeps one row of each key. @throws DEFINITION_INVALID */
export function distinctStep(given: DistinctOptions<string, string>): DistinctStep {
  return frozen({ kind: 'distinct', ...check('distinct', distinctOptions, given) })
}
