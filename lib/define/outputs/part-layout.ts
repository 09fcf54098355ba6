/** The options that all outputs of Parquet files share, with their defaults and checks. */
import * as v from 'valibot'
import { isSameName } from '../../errors/engine-name.ts'
import { invalid } from '../check.ts'
import { count, flag, names, oneOf, relativePath } from '../schemas.ts'
import { hasGlob, placeholdersOf } from '../template-syntax.ts'
import type { ParquetOutput } from './output-definition.ts'

/** The rows of a vector, the unit in which the engine writes row groups. */
const rowGroupRowsMin = 2048

export const outputPath = v.pipe(
  relativePath,
  v.check(path => !hasGlob(path), 'a path without glob characters'),
  v.check(path => !path.startsWith('.fanmill'), 'a path outside .fanmill, which holds the state of runs'),
)

/** The schemas of these options. */
export const layoutOptions = {
  path: outputPath,
  partitionBy: v.optional(names),
  sortBy: v.optional(names),
  compression: v.optional(oneOf(['zstd', 'snappy', 'gzip', 'lz4', 'uncompressed'])),
  partBytes: v.optional(count(1)),
  rowGroupRows: v.optional(count(rowGroupRowsMin)),
  bloomFilters: v.optional(flag),
  salted: v.optional(flag),
  partitionsMax: v.optional(count(1)),
}

type Layout = Omit<ParquetOutput, 'kind' | 'mode' | 'bucketBy' | 'order'>

/** Fills in the defaults. A salted path without `{salt}` gets it as its last segment. */
export function partLayout(given: Pick<Layout, 'path'> & Partial<Layout>): Layout {
  const { path, salted = false } = given
  return {
    path: salted && !placeholdersOf(path).includes('salt') ? `${path}/{salt}` : path,
    partitionBy: given.partitionBy ?? [],
    sortBy: given.sortBy ?? [],
    compression: given.compression ?? 'zstd',
    partBytes: given.partBytes ?? 128 * 2 ** 20,
    rowGroupRows: given.rowGroupRows ?? 122_880,
    bloomFilters: given.bloomFilters ?? true,
    salted,
    partitionsMax: given.partitionsMax ?? 1000,
  }
}

/** @throws DEFINITION_INVALID when the columns of a layout contradict each other or the mode */
export function checkLayout(
  subject: string,
  { partitionBy, sortBy, mode }: Pick<ParquetOutput, 'partitionBy' | 'sortBy' | 'mode'>,
): void {
  checkFolderNames(subject, partitionBy)
  const both = sortBy.find(name => partitionBy.some(other => isSameName(other, name)))
  if (both !== undefined)
    throw invalid(`${subject}: sortBy`, `expected columns that partitionBy does not name, got ${both} in both`)
  if (mode === 'replacePartitions' && partitionBy.length === 0)
    throw invalid(`${subject}: partitionBy`, 'expected a column, as mode is replacePartitions, got none')
}

/** Refuses names that begin with `_` or `.`: pyarrow, pandas, Spark and Hive pass over such folders, and would find no rows. */
function checkFolderNames(subject: string, partitionBy: readonly string[]): void {
  const hidden = partitionBy.find(name => /^[._]/.test(name))
  if (hidden === undefined) return
  const visible = hidden.replace(/^[._]+/, '') || 'part'
  throw invalid(
    `${subject}: partitionBy`,
    `expected columns that do not begin with _ or ., as readers such as pandas and Spark pass over folders that do, got ${hidden}; rename the column, for instance with sql\`select *, "${hidden}" as "${visible}" from input\``,
    { column: hidden },
  )
}
