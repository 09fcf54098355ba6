/** Builds sources whose rows a user's function yields. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { PathColumns } from '../columns/path-columns.ts'
import type { MapContext } from '../columns/row-types.ts'
import type { ParamValues, RowsFromSource } from '../definition.ts'
import { jsonLines } from '../formats/format.ts'
import { type Refined, refinable } from '../freeze.ts'
import { checkJsonValues, type JsonValue } from '../json-value.ts'
import { anyFunction, count } from '../schemas.ts'

/** The context of `rows`: parameters, secrets, log, the abort signal, and what `setup` returned as `state`. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where the compiler cannot know what setup returned
export type RowsContext = Omit<MapContext<ParamValues, any>, 'member' | 'archive' | 'reject'>

/** The options of `rowsFrom`. */
export interface RowsFromOptions<Partition extends JsonValue> {
  /**
   * The pieces of work: a list of different JSON values, or a function of the parameters that returns one. One thread reads
   * each. A partition is an input of the run, and is not read again while it is unchanged: put into it what its rows depend on,
   * such as a day and a version. Required.
   * @example partitions: (params: { month: string }) => daysOf(params.month)
   */
  readonly partitions:
    | readonly Partition[]
    // biome-ignore lint/suspicious/noExplicitAny: the parameters are those of the task, which the source does not know
    | ((params: any) => readonly Partition[] | Promise<readonly Partition[]>)
  /**
   * Yields the rows of one partition, as objects with a value for each column. Values are those of JSON, and bigints; dates are
   * written as ISO 8601. Other values fail the run, and values that do not fit their column make the row a reject. Required.
   * @example rows: async function* (month, { params }) { yield* await fetchOrders(month) }
   */
  readonly rows: (partition: Partition, context: RowsContext) => AsyncIterable<object> | Iterable<object>
  /**
   * The bytes of JSON that a partition is expected to yield, which decides how many make a batch. Default 8 MiB.
   * @example partitionBytes: 64 * 2 ** 20
   */
  readonly partitionBytes?: number
}

/** A source of rows that code yields. Its inputs have no paths, and so no path columns. */
export type RowsFrom<Partition extends JsonValue = JsonValue> = Refined<RowsFromSource, RowsFromOptions<Partition>> &
  PathColumns<never>

/**
 * Reads rows from an API, a database or an array: one piece of work for each partition. Values are checked against `columns` like
 * text.
 * @example rowsFrom({ partitions: ['2024-01', '2024-02'], rows: async function* (month) { yield* await fetchOrders(month) } })
 * @throws DEFINITION_INVALID
 */
export function rowsFrom<const Partition extends JsonValue>(given: RowsFromOptions<Partition>): RowsFrom<Partition> {
  const { partitions, rows, partitionBytes = 8 * 2 ** 20 } = check('rowsFrom', rowsFromOptions, given)
  if (Array.isArray(partitions)) checkJsonValues('rowsFrom: partitions', partitions)
  const data = {
    kind: 'rowsFrom',
    partitions,
    rows,
    partitionBytes,
    format: jsonLines(),
    hive: false,
  } as RowsFromSource
  return refinable(data, given, rowsFrom) as RowsFrom<Partition>
}

const rowsFromOptions = options(
  {
    partitions: v.union([v.array(v.unknown()), v.function()], 'a list of JSON values, or a function of the params'),
    rows: anyFunction,
    partitionBytes: v.optional(count(1)),
  },
  { items: 'partitions', values: 'partitions', read: 'rows' },
)
