/** Builds outputs: where a task's rows or members go. */
import * as v from 'valibot'
import { check, invalid, options } from './check.ts'
import { bucketCount, keyColumns } from './exchange.ts'
import { type Refined, refinable } from './freeze.ts'
import type { MemberFilesOutput, OutputMode, ParquetOutput } from './output-definition.ts'
import { checkLayout, layoutOptions, outputPath, partLayout } from './part-layout.ts'
import { oneOf } from './schemas.ts'

declare const usedColumns: unique symbol

/** Carries, for the compiler only, the names of the columns that an output uses. */
export interface UsedColumns<out Names extends string> {
  readonly [usedColumns]?: Names
}

/** The options of `parquet`. All but `path` have defaults. */
export interface ParquetOptions<Uses extends string = string>
  extends Pick<ParquetOutput, 'path'>,
    Partial<Omit<ParquetOutput, 'kind' | 'path' | 'partitionBy' | 'sortBy' | 'bucketBy'>> {
  /**
   * Columns whose values become folders, `state=PA/`. Their names begin with neither `_` nor `.`, because readers pass over such
   * folders. Default none.
   * @example partitionBy: ['state']
   */
  readonly partitionBy?: readonly Uses[]
  /**
   * Columns by which the rows of each part are sorted, ascending. Default none.
   * @example sortBy: ['date', 'origin']
   */
  readonly sortBy?: readonly Uses[]
  /**
   * Keeps rows by key: each part has the rows of one bucket, by a hash of `columns` that never changes. `joinOf` joins two datasets of
   * as many buckets by their `columns` without moving rows. Not with `partitionBy`, `append` or `replacePartitions`. Default parts are
   * not by key.
   * @example bucketBy: { columns: ['customer'], buckets: 32 }
   */
  readonly bucketBy?: { readonly columns: readonly Uses[]; readonly buckets: number }
}

/** The options of `memberFiles`. */
export interface MemberFilesOptions {
  /**
   * The folder under the output root: a template with `{task}`, `{salt}` and `{param}` placeholders. Required.
   * @example memberFiles({ path: 'pictures/{month}' })
   */
  readonly path: string
  /** What happens to files of earlier runs: `replace`, `fail` or `append`. Default `replace`. */
  readonly mode?: OutputMode
}

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
  const { mode: checkedMode = 'replace', bucketBy, ...layout } = check('parquet', parquetOptions, given)
  const kept = bucketBy && { bucketBy }
  const data: ParquetOutput = { kind: 'parquet', mode: checkedMode, ...partLayout(layout), ...kept }
  checkLayout('parquet', data)
  checkBuckets(data)
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
const parquetOptions = options({ ...layoutOptions, bucketBy: v.optional(bucketBy), mode: v.optional(mode) })
const memberFilesOptions = options({ path: outputPath, mode: v.optional(mode) })
