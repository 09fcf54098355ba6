/** Takes the collation from the texts of a column: a file keeps none, so that stages would compare them otherwise. */
import {
  type DuckDBArrayType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api'
import type { EngineColumn } from '../duckdb/engine-column.ts'
import { quoteName } from '../duckdb/quote.ts'

/** Returns the columns that have texts, each with its value without a collation as SQL, by name. */
export function plainTexts(columns: readonly EngineColumn[]): ReadonlyMap<string, string> {
  const plain = columns.map(({ name, type }) => {
    const column = quoteName(name)
    return [name, isText(type) ? `${column} COLLATE "binary"` : plainIn(type, column, 0)] as const
  })
  return new Map(plain.filter((each): each is readonly [string, string] => each[1] !== undefined))
}

/** JSON is a text with an alias, which has no collation and would lose its type. */
const isText = ({ typeId, alias }: DuckDBType): boolean => typeId === DuckDBTypeId.VARCHAR && alias === undefined

/** Returns a value without collations as SQL; undefined where its type has no texts. */
function plainIn(type: DuckDBType, value: string, depth: number): string | undefined {
  // A field of a parameter would be that of a column of the same name.
  const item = `_fanmill_item${depth}`
  const each = (items: DuckDBType): string | undefined => {
    const inner = plainIn(items, item, depth + 1)
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
      return plainStruct(type as DuckDBStructType, value, depth)
    case DuckDBTypeId.MAP:
      return plainMap(type as DuckDBMapType, value, depth)
    default:
      return undefined
  }
}

function plainStruct({ entryNames, entryTypes }: DuckDBStructType, value: string, depth: number): string | undefined {
  const fields = entryNames.map(name => `${value}.${quoteName(name)}`)
  const plain = fields.map((field, at) => plainIn(entryTypes[at] as DuckDBType, field, depth))
  // Fields without a name, which no file can have, are refused when they are written.
  if (entryNames.includes('') || plain.every(each => each === undefined)) return undefined
  const packed = fields.map((field, at) => `${quoteName(entryNames[at] ?? '')} := ${plain[at] ?? field}`)
  return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${packed.join(', ')}) END`
}

function plainMap({ keyType, valueType }: DuckDBMapType, value: string, depth: number): string | undefined {
  const item = `_fanmill_item${depth}`
  const [key, own] = [plainIn(keyType, `${item}.key`, depth + 1), plainIn(valueType, `${item}.value`, depth + 1)]
  if (key === undefined && own === undefined) return undefined
  const entry = `struct_pack("key" := ${key ?? `${item}.key`}, "value" := ${own ?? `${item}.value`})`
  return `map_from_entries(list_transform(map_entries(${value}), lambda ${item}: ${entry}))`
}
