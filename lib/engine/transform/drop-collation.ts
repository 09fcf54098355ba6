/** Removes collations from the texts of columns: a file keeps none, so a later stage would compare the texts in another way. */
import {
  type DuckDBArrayType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'

/** Returns SQL for each column that has texts, by its name: its value without a collation. */
export function dropCollation(columns: readonly EngineColumn[]): ReadonlyMap<string, string> {
  const uncollated = columns.map(({ name, type }) => {
    const column = quoteName(name)
    return [name, isText(type) ? `${column} COLLATE "binary"` : uncollatedIn(type, column, 0)] as const
  })
  return new Map(uncollated.filter((each): each is readonly [string, string] => each[1] !== undefined))
}

/** JSON is a text with an alias, which has no collation and would lose its type. */
const isText = ({ typeId, alias }: DuckDBType): boolean => typeId === DuckDBTypeId.VARCHAR && alias === undefined

/** Returns a value without collations as SQL; undefined where its type has no texts. */
function uncollatedIn(type: DuckDBType, value: string, depth: number): string | undefined {
  // A name that no column has: `name.field` would be read as a field of the column, not of the lambda's parameter.
  const item = `_fanmill_item${depth}`
  const each = (items: DuckDBType): string | undefined => {
    const inner = uncollatedIn(items, item, depth + 1)
    return inner && `list_transform(${value}, lambda ${item}: ${inner})`
  }
  switch (type.typeId) {
    case DuckDBTypeId.VARCHAR:
      // Within a function of a list, COLLATE does not take a collation away, and a cast never does.
      return isText(type) ? `decode(encode(${value}))` : undefined
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
      return each((type as DuckDBListType | DuckDBArrayType).valueType)
    case DuckDBTypeId.STRUCT:
      return uncollatedStruct(type as DuckDBStructType, value, depth)
    case DuckDBTypeId.MAP:
      return uncollatedMap(type as DuckDBMapType, value, depth)
    default:
      return undefined
  }
}

function uncollatedStruct(
  { entryNames, entryTypes }: DuckDBStructType,
  value: string,
  depth: number,
): string | undefined {
  const fields = entryNames.map(name => `${value}.${quoteName(name)}`)
  const uncollated = fields.map((field, at) => uncollatedIn(entryTypes[at] as DuckDBType, field, depth))
  // Fields without a name, which no file can have, are refused when they are written.
  if (entryNames.includes('') || uncollated.every(each => each === undefined)) return undefined
  const packed = fields.map((field, at) => `${quoteName(entryNames[at] ?? '')} := ${uncollated[at] ?? field}`)
  return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${packed.join(', ')}) END`
}

function uncollatedMap({ keyType, valueType }: DuckDBMapType, value: string, depth: number): string | undefined {
  const item = `_fanmill_item${depth}`
  const key = uncollatedIn(keyType, `${item}.key`, depth + 1)
  const mapped = uncollatedIn(valueType, `${item}.value`, depth + 1)
  if (key === undefined && mapped === undefined) return undefined
  const entry = `struct_pack("key" := ${key ?? `${item}.key`}, "value" := ${mapped ?? `${item}.value`})`
  return `map_from_entries(list_transform(map_entries(${value}), lambda ${item}: ${entry}))`
}
