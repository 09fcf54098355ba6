/** Builds outputs that only other tasks of the pipeline read. */
import { check, options } from '../check.ts'
import { refinable } from '../freeze.ts'
import type { ParquetOptions, UsedColumns } from './output.ts'
import type { TemporaryOutput } from './output-definition.ts'
import { checkLayout, layoutOptions, partLayout } from './part-layout.ts'

/** The options of `temporary`, which all have defaults: those of `parquet` without path and mode. */
export type TemporaryOptions<Uses extends string = string> = Omit<ParquetOptions<Uses>, 'path' | 'mode' | 'salted'>

/** A temporary dataset whose columns the compiler knows. `with` changes some of its options. */
export type Temporary<Uses extends string = string> = TemporaryOutput &
  UsedColumns<Uses> & {
    with<const Changed extends string = Uses>(changes: Partial<TemporaryOptions<Changed>>): Temporary<Uses | Changed>
  }

/**
 * Writes rows that other tasks read with `partitionsOf`, as a dataset of the state. A run on a laptop removes its parts once every task
 * that reads them is complete, unless it has `keep`; they are written again when one of these tasks needs them.
 * @example output: temporary({ partitionBy: ['state'] })
 */
export function temporary<const Uses extends string = never>(
  given?: TemporaryOptions<Uses>,
): Temporary<string extends Uses ? never : Uses>
export function temporary(given: TemporaryOptions = {}): Temporary {
  const layout = partLayout({ path: temporaryPath, ...check('temporary', temporaryOptions, given) })
  const data: TemporaryOutput = { kind: 'temporary', mode: 'replace', ...layout }
  checkLayout('temporary', data)
  return refinable<TemporaryOutput, TemporaryOptions>(data, given, temporary) as Temporary
}

/** One path for each set of parameters. */
const temporaryPath = '.fanmill/temporary/{task}/{salt}'

const { path: _path, salted: _salted, ...ownOptions } = layoutOptions
const temporaryOptions = options(ownOptions, { path: 'parquet({ path })', mode: 'parquet({ mode })' })
