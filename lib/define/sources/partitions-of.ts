/** The builder of a source that reads what another task of the pipeline, or another pipeline, wrote. */
import * as v from 'valibot'
import { nearestOrAll } from '../../errors/nearest.ts'
import { check, invalid, options, piece } from '../check.ts'
import type { PathColumns } from '../columns/path-columns.ts'
import type { PartitionsOfSource, SqlStep, TaskDefinition } from '../definition.ts'
import { parquetFiles } from '../formats/format.ts'
import { frozen } from '../freeze.ts'
import type { Output } from '../outputs/output-definition.ts'
import { outputKind } from '../outputs/output-kind.ts'
import { filledText, oneOf, relativePath } from '../schemas.ts'
import type { RequiredTask } from '../tasks/requirement-definition.ts'
import { placeholdersOf } from '../template-syntax.ts'
import type { ParamOfTask, ReadRow, RowOfTask, RowsOfKey, ValuesOfTask, WithParams } from './read-rows.ts'
import type { SourceRows } from './source-rows.ts'

/** The options of `partitionsOf`. */
export interface PartitionsOfOptions<Column extends string = string, Param extends string = string> {
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
  /**
   * Parameters of the other task that become columns, for rows of several of its nodes: text, also for dates and months, `int32`,
   * `float64` or `boolean`. The path of the other task must have them, or `{salt}`. Default none.
   * @example partitionsOf(flights, { params: ['month'] })
   */
  readonly params?: readonly Param[]
}

/** The dataset of another pipeline. */
export interface DatasetPath {
  /** The path of its folder under the root: a template with `{param}` placeholders of the reading task. */
  readonly path: string
  /** The root of the path: that of inputs, or that of outputs. Default `input`. */
  readonly root?: 'input' | 'output'
}

/**
 * The rows that another task of the same pipeline has written for the same parameters, or of all its nodes that `requires` names. The task runs after that one, has its
 * parameters without repeating them, and runs again when there are other rows. Without `columns` it has all columns with
 * their types, those of `partitionBy` included, as the compiler knows them from the other task. `partitionsOf({ path })` reads the dataset of another pipeline where it was committed.
 * @example const late = task({ name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late/{month}' }) })
 * @example partitionsOf({ path: 'lake/airports', root: 'output' }, { columns: ['iata', 'state'] })
 * @throws DEFINITION_INVALID for a task that writes no Parquet
 */
export function partitionsOf<
  const Upstream extends TaskDefinition | DatasetPath,
  const Column extends keyof RowOfTask<Upstream> & string = keyof RowOfTask<Upstream> & string,
  const Param extends ParamOfTask<Upstream> = never,
>(
  upstream: Upstream,
  given?: PartitionsOfOptions<Column, Param>,
): PartitionsOfSource &
  PathColumns<never> &
  SourceRows<WithParams<ReadRow<RowOfTask<Upstream>, Column>, ValuesOfTask<Upstream>, Param>>
/**
 * The rows of the nodes that `requires` has under a key: the same task may be required under several, with other values of its parameters.
 * @example const late = task({ name: 'late', requires: { base: flights.withParams({ month: '2001-01' }) }, source: partitionsOf('base'), output: parquet({ path: 'late' }) })
 */
export function partitionsOf<
  const Key extends string,
  const Column extends string = string,
  const Param extends string = never,
>(
  key: Key,
  given?: PartitionsOfOptions<Column, Param>,
): PartitionsOfSource & PathColumns<never> & SourceRows<RowsOfKey<Key, Column, Param>>
export function partitionsOf(
  upstream: TaskDefinition | DatasetPath | string,
  given: PartitionsOfOptions = {},
): PartitionsOfSource {
  const { columns, where, params = [] } = check('partitionsOf', partitionsOptions, given)
  const read = readFrom(upstream, params)
  return frozen({
    kind: 'partitionsOf',
    ...read,
    columns: columns && [...new Set([...columns, ...params])],
    where: where as PartitionsOfSource['where'],
    params: params.length > 0 ? params : undefined,
    format: parquetFiles(),
    hive: false,
  })
}

function readFrom(
  upstream: TaskDefinition | DatasetPath | string,
  params: readonly string[],
): Pick<PartitionsOfSource, 'of' | 'at' | 'key'> {
  // The task of a key is known when the source enters a task.
  if (typeof upstream === 'string') return { key: check('partitionsOf', filledText, upstream) }
  if (!isPath(upstream)) return { of: datasetWithParams('partitionsOf', upstream, params) }
  checkParams(params, undefined)
  const { path, root = 'input' } = check('partitionsOf', datasetPath, upstream)
  return { at: { path, root } }
}

/** Returns what names the dataset of a task. @throws DEFINITION_INVALID for a task that writes none, or parameters that cannot be columns */
export function datasetWithParams(
  caller: string,
  task: RequiredTask,
  params: readonly string[] = [],
): NonNullable<PartitionsOfSource['of']> {
  const of = datasetOf(caller, task)
  checkParams(params, of)
  checkPath(params, of)
  return of
}

const isPath = (upstream: TaskDefinition | DatasetPath): upstream is DatasetPath =>
  typeof upstream === 'object' && upstream !== null && 'path' in upstream

/** @throws DEFINITION_INVALID for a parameter that the other task does not have */
function checkParams(params: readonly string[], of: PartitionsOfSource['of']): void {
  const known = Object.keys(of?.params ?? {})
  const unknown = params.find(name => !known.includes(name))
  if (unknown === undefined) return
  const owner = of ? `task ${of.name}` : 'a task, as the dataset of another pipeline has none'
  const advice = known.length > 0 ? `; ${nearestOrAll(unknown, known)}` : ''
  throw invalid('partitionsOf: params', `expected params of ${owner}, got ${unknown}${advice}`)
}

/** @throws DEFINITION_INVALID where runs with several values of a parameter write one dataset, whose rows do not tell them apart */
function checkPath(params: readonly string[], of: NonNullable<PartitionsOfSource['of']>): void {
  const inPath = placeholdersOf(of.output.path)
  const shared = params.find(name => !inPath.includes(name) && !inPath.includes('salt'))
  if (shared === undefined) return
  const advice = `add {${shared}} to it, or make a column of ${shared} in task ${of.name}`
  throw invalid(
    'partitionsOf: params',
    `expected {${shared}} or {salt} in the path of task ${of.name}, as its dataset has rows of several values of ${shared} otherwise, got ${of.output.path}; ${advice}`,
  )
}

/** Returns what names the dataset of a task. @throws DEFINITION_INVALID for a task that writes none */
export function datasetOf(caller: string, task: RequiredTask): NonNullable<PartitionsOfSource['of']> {
  const { name, params, output } = check(caller, piece<RequiredTask>('a task', ['task']), task)
  if (!isDataset(output))
    throw invalid(
      caller,
      `expected a task whose output is parquet({ … }) or temporary(), got ${(output as Output).kind} of task ${name}`,
    )
  return { name, params, output }
}

const datasetPath = options({ path: relativePath, root: v.optional(oneOf(['input', 'output'])) })

/** The schemas of the options of sources that read a dataset. */
export const datasetOptions = {
  columns: v.optional(v.pipe(v.array(filledText), v.nonEmpty('at least one column'))),
  where: v.optional(
    v.union([piece<SqlStep>('sql`…`', ['sql']), v.function()], 'sql`…`, or a function of the params that returns it'),
  ),
}
const partitionsOptions = options({ ...datasetOptions, params: v.optional(v.array(filledText)) })

const isDataset = (output: Output): output is NonNullable<PartitionsOfSource['of']>['output'] =>
  outputKind(output).isDataset
