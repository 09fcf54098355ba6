/** Builds outputs: where a task's rows or members go. */
import * as v from 'valibot'
import { check, invalid, options } from './check.ts'
import { type Refined, refinable } from './freeze.ts'
import type { MemberFilesOutput, OutputMode, ParquetOutput } from './output-definition.ts'
import { count, filledText, flag, oneOf, relativePath } from './schemas.ts'
import { hasGlob, placeholdersOf } from './template-syntax.ts'

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
  const checked = check('parquet', parquetOptions, given)
  const salted = checked.salted ?? placeholdersOf(checked.path).includes('salt')
  const data: ParquetOutput = {
    kind: 'parquet',
    path: saltedPath(checked.path, salted),
    partitionBy: checked.partitionBy ?? [],
    sortBy: checked.sortBy ?? [],
    compression: checked.compression ?? 'zstd',
    partBytes: checked.partBytes ?? 128 * 2 ** 20,
    rowGroupRows: checked.rowGroupRows ?? 122_880,
    bloomFilters: checked.bloomFilters ?? true,
    mode: checked.mode ?? 'replace',
    salted,
    partitionsMax: checked.partitionsMax ?? 1000,
  }
  checkParquet(data)
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

/** The rows of a vector, the unit in which the engine writes row groups. */
const rowGroupRowsMin = 2048

const outputPath = v.pipe(
  relativePath,
  v.check(path => !hasGlob(path), 'a path without glob characters'),
  v.check(path => !path.startsWith('.fanmill'), 'a path outside .fanmill, which holds the state of runs'),
)
const names = v.pipe(
  v.array(filledText, 'a list of column names'),
  v.check(all => new Set(all.map(name => name.toLowerCase())).size === all.length, 'each column once'),
)
const mode = oneOf(['replace', 'fail', 'replacePartitions', 'append'])

const parquetOptions = options({
  path: outputPath,
  partitionBy: v.optional(names),
  sortBy: v.optional(names),
  compression: v.optional(oneOf(['zstd', 'snappy', 'gzip', 'lz4', 'uncompressed'])),
  partBytes: v.optional(count(1)),
  rowGroupRows: v.optional(count(rowGroupRowsMin)),
  bloomFilters: v.optional(flag),
  mode: v.optional(mode),
  salted: v.optional(flag),
  partitionsMax: v.optional(count(1)),
})
const memberFilesOptions = options({ path: outputPath, mode: v.optional(mode) })

/** Returns the path; a salted one without `{salt}` gets it as its last segment. */
function saltedPath(path: string, salted: boolean): string {
  const named = placeholdersOf(path).includes('salt')
  if (named && !salted) throw invalid('parquet: salted', 'expected true, as path has {salt}, got false')
  return salted && !named ? `${path}/{salt}` : path
}

function checkParquet({ partitionBy, sortBy, mode }: ParquetOutput): void {
  checkFolderNames(partitionBy)
  const both = sortBy.find(name => partitionBy.some(other => other.toLowerCase() === name.toLowerCase()))
  if (both !== undefined)
    throw invalid('parquet: sortBy', `expected columns that partitionBy does not name, got ${both} in both`)
  if (mode === 'replacePartitions' && partitionBy.length === 0)
    throw invalid('parquet: partitionBy', 'expected a column, as mode is replacePartitions, got none')
}

/** Refuses names that begin with `_` or `.`: pyarrow, pandas, Spark and Hive pass over such folders, and would find no rows. */
function checkFolderNames(partitionBy: readonly string[]): void {
  const hidden = partitionBy.find(name => /^[._]/.test(name))
  if (hidden === undefined) return
  const visible = hidden.replace(/^[._]+/, '') || 'part'
  throw invalid(
    'parquet: partitionBy',
    `expected columns that do not begin with _ or ., as readers such as pandas and Spark pass over folders that do, got ${hidden}; rename the column, for instance with sql\`select *, "${hidden}" as "${visible}" from input\``,
    { column: hidden },
  )
}
