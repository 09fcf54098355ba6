/** Builds outputs: where a task's rows or members go. */
import * as v from 'valibot'
import { check, invalid, options } from '../check.ts'
import { type Refined, refinable } from '../freeze.ts'
import { names, oneOf } from '../schemas.ts'
import { bucketCount, keyColumns } from '../steps/exchange.ts'
import type { MemberFilesOutput, ParquetOutput } from './output-definition.ts'
import { checkLayout, layoutOptions, outputPath, partLayout } from './part-layout.ts'

declare const usedColumns: unique symbol

/** Carries, for the compiler only, the names of the columns that an output uses. */
export interface UsedColumns<out Names extends string> {
  readonly [usedColumns]?: Names
}

/** The options of `parquet`. All but `path` have defaults. */
export interface ParquetOptions<Uses extends string = string>
  extends Pick<ParquetOutput, 'path'>,
    Partial<Omit<ParquetOutput, 'kind' | 'path' | 'partitionBy' | 'sortBy' | 'bucketBy' | 'order'>> {
  /**
   * Columns whose values become folders, `state=PA/`. Their names begin with neither `_` nor `.`, because readers pass over such
   * folders. Default none.
   * @example partitionBy: ['state']
   */
  readonly partitionBy?: readonly Uses[]
  /**
   * Columns by which the rows of each part are sorted, ascending. With `global: true` all rows of the dataset are in this order, from
   * part to part in the order of their names; those of `descending` have their greatest values first. A global order is not for
   * `partitionBy`, `bucketBy`, `append` and `replacePartitions`. Default none.
   * @example sortBy: ['date', 'origin']
   * @example sortBy: { columns: ['date', 'delay'], descending: ['delay'], global: true }
   */
  readonly sortBy?: readonly Uses[] | GlobalSort<Uses>
  /**
   * Keeps rows by key: each part has the rows of one bucket, by a hash of `columns` that never changes. `joinOf` joins two datasets of
   * as many buckets by their `columns` without moving rows. Not with `partitionBy`, `append` or `replacePartitions`. Default parts are
   * not by key.
   * @example bucketBy: { columns: ['customer'], buckets: 32 }
   */
  readonly bucketBy?: { readonly columns: readonly Uses[]; readonly buckets: number }
}

/** The order of all rows of a dataset. */
export interface GlobalSort<Uses extends string = string> {
  /** Columns by which rows are sorted, the first one first. Nulls are last, and NaN is greater than other numbers. */
  readonly columns: readonly Uses[]
  /** Those of the columns whose greatest values are first. Default none. */
  readonly descending?: readonly Uses[]
  /** Sorts the whole dataset: parts follow each other in the order of their names. */
  readonly global: true
}

/** The options of `memberFiles`. */
export type MemberFilesOptions = Pick<MemberFilesOutput, 'path'> & Partial<Pick<MemberFilesOutput, 'mode'>>

/** A Parquet output whose columns the compiler knows. `with` changes some of its options. */
export type Parquet<Uses extends string = string> = ParquetOutput &
  UsedColumns<Uses> & {
    with<const Changed extends string = Uses>(changes: Partial<ParquetOptions<Changed>>): Parquet<Uses | Changed>
  }
export type MemberFiles = Refined<MemberFilesOutput, MemberFilesOptions>

/**
 * Writes a Parquet dataset with `_SUCCESS`, at a path under the output root.
 * @example parquet({ path: '{task}/{month}', partitionBy: ['state'] })
 */
export function parquet<const Uses extends string = never>(
  given: ParquetOptions<Uses>,
): Parquet<string extends Uses ? never : Uses>
export function parquet(given: ParquetOptions): Parquet {
  const { mode: checkedMode = 'replace', bucketBy, sortBy, ...layout } = check('parquet', parquetOptions, given)
  const order = sortBy && 'global' in sortBy ? orderOf(sortBy) : undefined
  const sortColumns = sortBy && 'global' in sortBy ? sortBy.columns : sortBy
  const data: ParquetOutput = {
    ...{ kind: 'parquet', mode: checkedMode, ...partLayout({ ...layout, sortBy: sortColumns }) },
    bucketBy,
    order,
  }
  checkLayout('parquet', data)
  checkBuckets(data)
  checkOrder(data)
  return refinable<ParquetOutput, ParquetOptions>(data, given, parquet) as Parquet
}

/** @throws DEFINITION_INVALID for options that do not go with buckets */
function checkBuckets({ bucketBy, partitionBy, mode }: ParquetOutput): void {
  if (!bucketBy) return
  if (partitionBy.length > 0)
    throw invalid('parquet: bucketBy', 'expected partitionBy or bucketBy, got both; sort by the columns of partitionBy')
  if (mode === 'append' || mode === 'replacePartitions')
    throw invalid('parquet: bucketBy', `expected mode replace or fail, as buckets are written as a whole, got ${mode}`)
}

/** @throws DEFINITION_INVALID for a descending column that is not sorted by */
function orderOf({ columns, descending = [] }: GlobalSort): ParquetOutput['order'] {
  const other = descending.find(name => !columns.includes(name))
  if (other !== undefined)
    throw invalid(
      'parquet: sortBy.descending',
      `expected columns of sortBy.columns, ${columns.join(', ')}, got ${other}`,
    )
  return { columns, descending }
}

/** @throws DEFINITION_INVALID for options that do not go with a global order */
function checkOrder({ order, partitionBy, bucketBy, mode }: ParquetOutput): void {
  if (!order) return
  const other = partitionBy.length > 0 ? 'partitionBy' : bucketBy ? 'bucketBy' : undefined
  if (other)
    throw invalid(
      'parquet: sortBy',
      `expected global or ${other}, got both; name the columns of ${other} first in sortBy`,
    )
  if (mode === 'append' || mode === 'replacePartitions')
    throw invalid('parquet: sortBy', `expected mode replace or fail, as all rows are sorted together, got ${mode}`)
}

/**
 * Extracts the members of archives below a path under the output root.
 * @example memberFiles({ path: 'pictures' })
 */
export function memberFiles(given: MemberFilesOptions): MemberFiles {
  const { path, mode = 'replace' } = check('memberFiles', memberFilesOptions, given)
  if (mode === 'replacePartitions')
    throw invalid('memberFiles: mode', 'expected one of replace, fail, append, got "replacePartitions"')
  return refinable({ kind: 'memberFiles', path, mode }, given, memberFiles)
}

const mode = oneOf(['replace', 'fail', 'replacePartitions', 'append'])
const bucketBy = options({ columns: keyColumns, buckets: bucketCount })
const globalSort = options({ columns: keyColumns, descending: v.optional(names), global: v.literal(true, 'true') })
const sortBy = v.union([names, globalSort], 'a list of columns, or { columns, global: true }')
const parquetOptions = options({
  ...layoutOptions,
  sortBy: v.optional(sortBy),
  bucketBy: v.optional(bucketBy),
  mode: v.optional(mode),
})
const memberFilesOptions = options({ path: outputPath, mode: v.optional(mode) })
