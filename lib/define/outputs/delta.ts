/** The builder of Delta tables as outputs. */
import { check, options } from '../check.ts'
import { refinable } from '../freeze.ts'
import { oneOf } from '../schemas.ts'
import type { ParquetOptions, UsedColumns } from './output.ts'
import type { DeltaOutput } from './output-definition.ts'
import { checkLayout, layoutOptions, partLayout } from './part-layout.ts'

/** The options of `delta`: those of `parquet`, and a mode, which has no default. */
export interface DeltaOptions<Uses extends string = string> extends Omit<ParquetOptions<Uses>, 'mode'> {
  /**
   * The effect on the rows of the table. `append`: they stay, whoever wrote them, and only inputs that are new are read.
   * `overwrite`: they go, in the version that adds the new ones. `replacePartitions`: those in partitions of the new rows go.
   * Older versions stay readable. Required.
   * @example delta({ path: 'sales', mode: 'append' })
   */
  readonly mode: 'append' | 'overwrite' | 'replacePartitions'
}

/** A Delta table whose columns the compiler knows. `with` changes some of its options. */
export type Delta<Uses extends string = string> = DeltaOutput &
  UsedColumns<Uses> & {
    with<const Changed extends string = Uses>(changes: Partial<DeltaOptions<Changed>>): Delta<Uses | Changed>
  }

/**
 * Writes a Delta table at a path under the output root. Each run is one version of the table, which is created as a whole: readers
 * see all of its rows or none. The table may be new, or one that other programs write too.
 * @example delta({ path: 'sales', partitionBy: ['customer'], mode: 'append' })
 */
export function delta<const Uses extends string = never>(
  given: DeltaOptions<Uses>,
): Delta<string extends Uses ? never : Uses>
export function delta(given: DeltaOptions): Delta {
  const { mode: checkedMode, ...layout } = check('delta', deltaOptions, given)
  const mode = checkedMode === 'overwrite' ? 'replace' : checkedMode
  const data: DeltaOutput = { kind: 'delta', mode, ...partLayout(layout) }
  checkLayout('delta', data)
  return refinable<DeltaOutput, DeltaOptions>(data, given, delta) as Delta
}

const deltaOptions = options({ ...layoutOptions, mode: oneOf(['append', 'overwrite', 'replacePartitions']) })
