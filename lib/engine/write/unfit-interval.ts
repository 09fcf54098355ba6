/** Finds intervals that Parquet cannot hold: it has whole milliseconds, in 32 bits, beside months and days. */
import { type EngineType, parseEngineType } from '../../delta/engine-type.ts'
import { quoteName } from '../../duckdb/quote.ts'

/** Hours whose milliseconds 32 bits hold. */
const hoursMax = 1192

/** Returns whether a value has an interval that the engine would write as another one, as SQL; undefined for a type without intervals. */
export const unfitInterval = (type: string, value: string): string | undefined =>
  type.includes('INTERVAL') ? unfitIn(parseEngineType(type), value, 0) : undefined

function unfitIn(type: EngineType, value: string, depth: number): string | undefined {
  // A field of a parameter would be that of a column of the same name.
  const item = `_fanmill_item${depth}`
  const anyOf = (list: string, inner: string | undefined) =>
    inner && `len(list_filter(${list}, lambda ${item}: ${inner})) > 0`
  switch (type.kind) {
    case 'scalar':
      return type.name === 'INTERVAL'
        ? `(microsecond(${value}) % 1000 <> 0 OR hour(${value}) > ${hoursMax})`
        : undefined
    case 'decimal':
      return undefined
    case 'list':
      return anyOf(value, unfitIn(type.items, item, depth + 1))
    case 'map':
      return anyOf(
        `map_entries(${value})`,
        either([unfitIn(type.key, `${item}.key`, depth + 1), unfitIn(type.value, `${item}.value`, depth + 1)]),
      )
    case 'struct':
      return either(type.fields.map(field => unfitIn(field.type, `${value}.${quoteName(field.name)}`, depth)))
  }
}

function either(conditions: readonly (string | undefined)[]): string | undefined {
  const all = conditions.filter(each => each !== undefined).map(each => `coalesce(${each}, false)`)
  return all.length > 0 ? `(${all.join(' OR ')})` : undefined
}
