/** Finds the values of a source that maps a function over them. */
import type { ItemsSource } from '../define/definition.ts'
import type { JsonValue } from '../define/json-value.ts'
import { checkItems } from '../define/sources/items.ts'
import { canonicalJson, shortHash } from '../model/run/identity.ts'
import { type FindOptions, type FoundObjects, noMembers, textInput } from './find-options.ts'
import { readValues } from './read-values.ts'
import { spread } from './slices/spread.ts'

interface Item {
  readonly position: number
  readonly value: JsonValue
}

/**
 * Each value is an input whose key is the value as text; equal values have a number behind it. Slices are in the order of the
 * values. @throws SOURCE_FAILED when the user's code throws; DEFINITION_INVALID
 */
export async function findItems(source: ItemsSource, options: FindOptions): Promise<FoundObjects> {
  const values = await readValues(source.values, { source: 'items', option: 'values' }, options)
  checkItems(values, source.map !== undefined)
  const all = itemsByKey(values)
  const isOrdered = !appends(options)
  // The position counts too where another order of the values is another dataset.
  const inputOf = ([key, { position }]: [string, Item]) => textInput(key, `${isOrdered ? position : 0} ${key}`)
  const inputs = spread([...all], options.sample).map(inputOf)
  const { itemBytes: bytes } = source
  return {
    inputs,
    cut: chosen =>
      chosen
        .map(({ key }, input) => ({ ...(all.get(key) as Item), input }))
        .sort((a, b) => a.position - b.position)
        .map(({ value, input }, slice) => ({ kind: 'item', slice, input, value, bytes })),
    memberCount: inputs.length,
    ...noMembers,
    bytesIn: 0,
    bytes: inputs.length * bytes,
  }
}

/** Whether earlier rows stay in the dataset, so that the order of all values is not that of its rows. */
const appends = ({ task: { output } }: FindOptions): boolean => output?.mode === 'append'

function itemsByKey(values: readonly JsonValue[]): Map<string, Item> {
  const all = new Map<string, Item>()
  const counts = new Map<string, number>()
  for (const [position, value] of values.entries()) {
    const name = nameOf(value)
    let count = (counts.get(name) ?? 0) + 1
    let key = count === 1 ? name : `${name} (${count})`
    while (all.has(key)) key = `${name} (${++count})`
    counts.set(name, count)
    all.set(key, { position, value })
  }
  return all
}

/** Characters of a key; keys are in messages and in the state. */
const keyLengthMax = 200

/** Returns a value as text: a long one is its beginning and a hash. */
function nameOf(value: JsonValue): string {
  const name = typeof value === 'string' ? value : canonicalJson(value)
  return name.length <= keyLengthMax ? name : `${name.slice(0, keyLengthMax)}… ${shortHash(name)}`
}
