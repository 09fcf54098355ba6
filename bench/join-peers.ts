/** Tools of Python that join the files of `joins.ts`, for the table of the case `join`. */
import { join } from 'node:path'
import type { Side } from './case.ts'
import { outFolder, peer } from './commands.ts'
import { checkJoined, joinsFolder } from './joins.ts'

export const joinPeers: readonly Side[] = (['polars', 'dask', 'spark'] as const).map(label => ({
  label,
  command: () => peer(`${label}_join`, join(joinsFolder, 'data')),
  check: () => checkJoined(join(outFolder, '**/*.parquet')),
}))
