/** Builds outputs: where a task's rows or members go. */
import * as v from 'valibot'
import { check, invalid, options } from './check.ts'
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
    Partial<Omit<ParquetOutput, 'kind' | 'path' | 'partitionBy' | 'sortBy'>> {
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
  const { mode: checkedMode = 'replace', ...layout } = check('parquet', parquetOptions, given)
  const data: ParquetOutput = { kind: 'parquet', mode: checkedMode, ...partLayout('parquet', layout) }
  checkLayout('parquet', data)
  return refinable<ParquetOutput, ParquetOptions>(data, given, parquet) as Parquet
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
const parquetOptions = options({ ...layoutOptions, mode: v.optional(mode) })
const memberFilesOptions = options({ path: outputPath, mode: v.optional(mode) })
