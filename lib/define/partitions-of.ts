/** The builder of a source that reads what another task of the pipeline wrote. */
import * as v from 'valibot'
import { check, invalid, options, piece } from './check.ts'
import type { PartitionsOfSource, SqlStep, TaskDefinition } from './definition.ts'
import { parquetFiles } from './format.ts'
import { frozen } from './freeze.ts'
import type { Output } from './output-definition.ts'
import { outputKind } from './output-kind.ts'
import { filledText } from './schemas.ts'

/** The options of `partitionsOf`. */
export interface PartitionsOfOptions {
  /**
   * The columns that are read; nothing is read of others. Default all columns, or, when the first step is SQL, those that it names.
   * @example partitionsOf(flights, { columns: ['origin', 'delay'] })
   */
  readonly columns?: readonly string[]
  /**
   * A condition on the rows as they were written, over all columns. Partitions and row groups in which no row can meet it are not read. Default every row.
   * @example partitionsOf(flights, { where: sql`state = 'NY' and delay > 60` })
   * @example partitionsOf(flights, { where: ({ state }) => sql`state = ${state}` })
   */
  readonly where?: SqlStep | ((params: never) => SqlStep)
}

/**
 * The rows that another task of the same pipeline has written for the same parameters. The task runs after that one, has its
 * parameters without repeating them, and runs again when there are other rows. Without `columns` it has all columns with
 * their types, those of `partitionBy` included.
 * @example const late = task({ name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late/{month}' }) })
 * @throws DEFINITION_INVALID for a task that writes no Parquet
 */
export function partitionsOf(task: TaskDefinition, given: PartitionsOfOptions = {}): PartitionsOfSource {
  const { name, params, output } = check('partitionsOf', piece<TaskDefinition>('a task', ['task']), task)
  const { columns, where } = check('partitionsOf', partitionsOptions, given)
  if (!isDataset(output))
    throw invalid(
      'partitionsOf',
      `expected a task whose output is parquet({ … }) or temporary(), got ${(output as Output).kind} of task ${name}`,
    )
  return frozen({
    kind: 'partitionsOf',
    of: { name, params, output },
    ...(columns === undefined ? {} : { columns }),
    ...(where === undefined ? {} : { where: where as PartitionsOfSource['where'] }),
    format: parquetFiles(),
    hive: false,
  })
}

/** The schemas of the options of sources that read a dataset. */
export const datasetOptions = {
  columns: v.optional(v.pipe(v.array(filledText), v.nonEmpty('at least one column'))),
  where: v.optional(
    v.union([piece<SqlStep>('sql`…`', ['sql']), v.function()], 'sql`…`, or a function of the params that returns it'),
  ),
}
const partitionsOptions = options(datasetOptions)

const isDataset = (output: Output): output is PartitionsOfSource['of']['output'] => outputKind(output).isDataset
