/** The builder of a source that reads a Delta table. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { DeltaTableSource } from '../definition.ts'
import { parquetFiles } from '../formats/format.ts'
import { frozen } from '../freeze.ts'
import { count, relativePath } from '../schemas.ts'
import { datasetOptions, type PartitionsOfOptions } from './partitions-of.ts'

/** The options of `deltaTable`: those of `partitionsOf`, and the table. */
export interface DeltaTableOptions extends PartitionsOfOptions, Pick<DeltaTableSource, 'path' | 'version'> {}

/**
 * The rows of a Delta table, whichever program wrote it. A run reads one version, also while others write to the table, and the task
 * runs again when there is a newer one. Its columns have the types of the table, those of its partitions included.
 * @example deltaTable({ path: 'lake/sales', where: sql`state = 'NY'` })
 */
export function deltaTable(given: DeltaTableOptions): DeltaTableSource {
  const { path, version, columns, where } = check('deltaTable', tableOptions, given)
  return frozen({
    kind: 'deltaTable',
    path,
    version,
    columns,
    where: where as DeltaTableSource['where'],
    format: parquetFiles(),
    hive: false,
  })
}

const tableOptions = options(
  { ...datasetOptions, path: relativePath, version: v.optional(count(0)) },
  { paths: 'path' },
)
