/** The builder of a source that reads what another task of the pipeline, or another pipeline, wrote. */
import * as v from 'valibot'
import { check, invalid, options, piece } from './check.ts'
import type { PartitionsOfSource, SqlStep, TaskDefinition } from './definition.ts'
import { parquetFiles } from './format.ts'
import { frozen } from './freeze.ts'
import type { Output } from './output-definition.ts'
import { outputKind } from './output-kind.ts'
import type { PathColumns } from './path-columns.ts'
import type { ReadRow, RowOfTask } from './read-rows.ts'
import { filledText, oneOf, relativePath } from './schemas.ts'
import type { SourceRows } from './source-rows.ts'

/** The options of `partitionsOf`. */
export interface PartitionsOfOptions<Column extends string = string> {
  /**
   * The columns that are read; nothing is read of others. Default all columns, or, when the first step is SQL, those that it names.
   * @example partitionsOf(flights, { columns: ['origin', 'delay'] })
   */
  readonly columns?: readonly Column[]
  /**
   * A condition on the rows as they were written, over all columns. Partitions and row groups in which no row can meet it are not read. Default every row.
   * @example partitionsOf(flights, { where: sql`state = 'NY' and delay > 60` })
   * @example partitionsOf(flights, { where: ({ state }) => sql`state = ${state}` })
   */
  readonly where?: SqlStep | ((params: never) => SqlStep)
}

/** The dataset of another pipeline. */
export interface DatasetPath {
  /** The path of its folder under the root: a template with `{param}` placeholders of the reading task. */
  readonly path: string
  /** The root of the path: that of inputs, or that of outputs. Default `input`. */
  readonly root?: 'input' | 'output'
}

/**
 * The rows that another task of the same pipeline has written for the same parameters. The task runs after that one, has its
 * parameters without repeating them, and runs again when there are other rows. Without `columns` it has all columns with
 * their types, those of `partitionBy` included, as the compiler knows them from the other task. `partitionsOf({ path })` reads the dataset of another pipeline where it was committed.
 * @example const late = task({ name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late/{month}' }) })
 * @example partitionsOf({ path: 'lake/airports', root: 'output' }, { columns: ['iata', 'state'] })
 * @throws DEFINITION_INVALID for a task that writes no Parquet
 */
export function partitionsOf<
  const Upstream extends TaskDefinition | DatasetPath,
  const Column extends keyof RowOfTask<Upstream> & string = keyof RowOfTask<Upstream> & string,
>(
  upstream: Upstream,
  given?: PartitionsOfOptions<Column>,
): PartitionsOfSource & PathColumns<never> & SourceRows<ReadRow<RowOfTask<Upstream>, Column>>
export function partitionsOf(
  upstream: TaskDefinition | DatasetPath,
  given: PartitionsOfOptions = {},
): PartitionsOfSource {
  const { columns, where } = check('partitionsOf', partitionsOptions, given)
  return frozen({
    kind: 'partitionsOf',
    ...(isPath(upstream) ? { at: pathDataset(upstream) } : { of: datasetOf('partitionsOf', upstream) }),
    ...(columns === undefined ? {} : { columns }),
    ...(where === undefined ? {} : { where: where as PartitionsOfSource['where'] }),
    format: parquetFiles(),
    hive: false,
  })
}

const isPath = (upstream: TaskDefinition | DatasetPath): upstream is DatasetPath =>
  typeof upstream === 'object' && upstream !== null && 'path' in upstream

/** Returns what names the dataset of a task. @throws DEFINITION_INVALID for a task that writes none */
export function datasetOf(caller: string, task: TaskDefinition): NonNullable<PartitionsOfSource['of']> {
  const { name, params, output } = check(caller, piece<TaskDefinition>('a task', ['task']), task)
  if (!isDataset(output))
    throw invalid(
      caller,
      `expected a task whose output is parquet({ … }) or temporary(), got ${(output as Output).kind} of task ${name}`,
    )
  return { name, params, output }
}

function pathDataset(given: DatasetPath): NonNullable<PartitionsOfSource['at']> {
  const { path, root = 'input' } = check('partitionsOf', datasetPath, given)
  return { path, root }
}

const datasetPath = options({ path: relativePath, root: v.optional(oneOf(['input', 'output'])) })

/** The schemas of the options of sources that read a dataset. */
export const datasetOptions = {
  columns: v.optional(v.pipe(v.array(filledText), v.nonEmpty('at least one column'))),
  where: v.optional(
    v.union([piece<SqlStep>('sql`…`', ['sql']), v.function()], 'sql`…`, or a function of the params that returns it'),
  ),
}
const partitionsOptions = options(datasetOptions)

const isDataset = (output: Output): output is NonNullable<PartitionsOfSource['of']>['output'] =>
  outputKind(output).isDataset
