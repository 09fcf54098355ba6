/** The builder of a source that reads what another task of the pipeline wrote. */
import { check, invalid, piece } from './check.ts'
import type { PartitionsOfSource, TaskDefinition } from './definition.ts'
import { parquetFiles } from './format.ts'
import { frozen } from './freeze.ts'
import type { Output } from './output-definition.ts'
import { outputKind } from './output-kind.ts'

/**
 * The rows that another task of the same pipeline has written for the same parameters. The task runs after that one, has its
 * parameters without repeating them, and runs again when there are other rows. Without `columns` it has all columns with
 * their types, those of `partitionBy` included.
 * @example const late = task({ name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late/{month}' }) })
 * @throws DEFINITION_INVALID for a task that writes no Parquet
 */
export function partitionsOf(task: TaskDefinition): PartitionsOfSource {
  const { name, params, output } = check('partitionsOf', piece<TaskDefinition>('a task', ['task']), task)
  if (!isDataset(output))
    throw invalid('partitionsOf', `expected a task whose output is parquet({ … }), got ${output.kind} of task ${name}`)
  return frozen({ kind: 'partitionsOf', of: { name, params, output }, format: parquetFiles(), hive: false })
}

const isDataset = (output: Output): output is PartitionsOfSource['of']['output'] => outputKind(output).isDataset
