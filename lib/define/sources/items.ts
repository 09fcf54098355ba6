/** Builds sources that map a function over values. */
import * as v from 'valibot'
import { check, invalid, options, show } from '../check.ts'
import type { PathColumns } from '../columns/path-columns.ts'
import type { ItemsSource, Source } from '../definition.ts'
import { jsonLines } from '../formats/format.ts'
import { frozen } from '../freeze.ts'
import { checkJsonValues, type JsonValue } from '../json-value.ts'
import { anyFunction, count } from '../schemas.ts'
import type { RowsContext } from './rows-from.ts'

/** The values of `items`: a list of JSON values, or a function of the parameters that returns one. */
export type ItemValues<Value extends JsonValue> =
  | readonly Value[]
  // biome-ignore lint/suspicious/noExplicitAny: the parameters are those of the task, which the source does not know
  | ((params: any) => readonly Value[] | Promise<readonly Value[]>)

/** The result of the function of `items`: a row as an object, a list of rows, or null for no row. */
export type ItemResult = object | readonly object[] | null | undefined

/** The function of `items`: it gets one value, and the parameters, secrets, log, signal and `state` of the worker. */
export type ItemMap<Value extends JsonValue> = (value: Value, context: RowsContext) => ItemResult | Promise<ItemResult>

/** The options of `items`. */
export type ItemsOptions = Partial<Pick<ItemsSource, 'concurrency' | 'retries' | 'itemBytes'>>

/** A source of rows that a function makes of values. Its inputs have no paths, and so no path columns. */
export type Items = ItemsSource & PathColumns<never>

/**
 * Maps a function over values in parallel, in all workers; the rows are in the order of the values. Without a function, each
 * value is a row itself. Rows are checked against `columns` like text.
 * @example items([0.01, 0.1, 1], async (alpha, { state }) => ({ alpha, error: await fit(state.data, alpha) }), { concurrency: 1 })
 * @example items(({ month }) => daysOf(month), async day => (await fetch(`https://weather.example/${day}`)).json())
 * @throws DEFINITION_INVALID
 */
export function items<const Value extends JsonValue>(
  values: ItemValues<Value>,
  map?: ItemMap<Value>,
  given: ItemsOptions = {},
): Items {
  check('items: values', valuesSchema, values)
  check('items: map', v.optional(anyFunction), map)
  const { concurrency = 5, retries = 0, itemBytes = 2 ** 20 } = check('items', itemsOptions, given)
  if (Array.isArray(values)) checkItems(values, map !== undefined)
  const data = { kind: 'items', values, map, concurrency, retries, itemBytes, format: jsonLines(), hive: false }
  return frozen(data) as unknown as Items
}

/** Returns how many of the user's calls a worker may have in flight for a source. */
export const callsAtOnce = (source: Source): number => ('concurrency' in source ? source.concurrency : 1)

/** @throws DEFINITION_INVALID for a value that JSON does not hold, or that is no row where no function makes one of it */
export function checkItems(values: readonly unknown[], isMapped: boolean): void {
  checkJsonValues('items: values', values)
  const at = isMapped
    ? -1
    : values.findIndex(value => typeof value !== 'object' || value === null || Array.isArray(value))
  if (at < 0) return
  const message = `expected an object with a value for each column, got ${show(values[at])}; give items(values, map) a function that makes a row of it`
  throw invalid(`items: values.${at}`, message)
}

const valuesSchema = v.union([v.array(v.unknown()), v.function()], 'a list of JSON values, or a function of the params')
const itemsOptions = options(
  { concurrency: v.optional(count(1)), retries: v.optional(count(0)), itemBytes: v.optional(count(1)) },
  { parallelism: 'concurrency', limit: 'concurrency', retry: 'retries' },
)
