/** Reads one column of a Parquet file in SQL: converts its leaves inside lists, maps and structures. */
import {
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api'
import { quoteName } from '../../../duckdb/quote.ts'
import type { ParquetColumn, ParquetLeaf } from '../../../parquet/columns.ts'
import { type LeafOptions, type LeafSql, leafSql } from './leaf.ts'

export interface FileColumn extends ParquetColumn {
  /** Its name in SQL; a rewritten footer names it by its position. */
  readonly from: string
  readonly type: DuckDBType
}

export type SourceOptions = Omit<LeafOptions, 'type'>

/** Returns the SQL of a column. */
export function sourceSql({ from, leaves, type }: FileColumn, options: SourceOptions): LeafSql {
  const rest = [...leaves]
  const found = nodeSql(type, from, { ...options, depth: 0, rest })
  // The engine itself builds such a type from several leaves.
  if (found === undefined || rest.length > 0) return { type: String(type), value: from }
  return found
}

interface Walk extends SourceOptions {
  readonly depth: number
  /** The leaves that were not read yet, in the order of the file. */
  readonly rest: ParquetLeaf[]
}

function nodeSql(type: DuckDBType, from: string, walk: Walk): LeafSql | undefined {
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
      return listSql((type as DuckDBListType).valueType, from, walk)
    case DuckDBTypeId.STRUCT:
      return structSql(type as DuckDBStructType, from, walk)
    case DuckDBTypeId.MAP:
      return mapSql(type as DuckDBMapType, from, walk)
    default: {
      const leaf = walk.rest.shift()
      return leaf && leafSql(leaf, from, { ...walk, type: String(type) })
    }
  }
}

const isAsItIs = (sql: LeafSql, from: string): boolean => sql.value === from && sql.bad === undefined

function listSql(items: DuckDBType, from: string, walk: Walk): LeafSql | undefined {
  const item = `i${walk.depth}`
  const inner = nodeSql(items, item, { ...walk, depth: walk.depth + 1 })
  if (!inner) return undefined
  const type = `${inner.type}[]`
  if (isAsItIs(inner, item)) return { type, value: from }
  return {
    type,
    value: `list_transform(${from}, lambda ${item}: ${inner.value})`,
    bad: inner.bad && `len(list_filter(${from}, lambda ${item}: ${inner.bad})) > 0`,
    text: inner.bad && rawText(from),
  }
}

function structSql({ entryNames, entryTypes }: DuckDBStructType, from: string, walk: Walk): LeafSql | undefined {
  const fields = entryNames.map((name, index) => {
    const field = `${from}.${quoteName(name)}`
    const sql = nodeSql(entryTypes[index] as DuckDBType, field, walk)
    return { name, field, sql }
  })
  const known = fields.flatMap(({ name, field, sql }) => (sql ? [{ name, field, sql }] : []))
  if (known.length < fields.length) return undefined
  const type = `STRUCT(${known.map(({ name, sql }) => `${quoteName(name)} ${sql.type}`).join(', ')})`
  if (known.every(({ field, sql }) => isAsItIs(sql, field))) return { type, value: from }
  const bads = known.flatMap(({ sql }) => (sql.bad ? [`coalesce(${sql.bad}, false)`] : []))
  const packed = known.map(({ name, sql }) => `${quoteName(name)} := ${sql.value}`).join(', ')
  return {
    type,
    value: `CASE WHEN ${from} IS NOT NULL THEN struct_pack(${packed}) END`,
    bad: bads.length > 0 ? `(${bads.join(' OR ')})` : undefined,
    text: bads.length > 0 ? rawText(from) : undefined,
  }
}

function mapSql({ keyType, valueType }: DuckDBMapType, from: string, walk: Walk): LeafSql | undefined {
  const item = `i${walk.depth}`
  const inner = { ...walk, depth: walk.depth + 1 }
  const key = nodeSql(keyType, `${item}.key`, inner)
  const value = nodeSql(valueType, `${item}.value`, inner)
  if (!key || !value) return undefined
  const type = `MAP(${key.type}, ${value.type})`
  if (isAsItIs(key, `${item}.key`) && isAsItIs(value, `${item}.value`)) return { type, value: from }
  const bads = [key, value].flatMap(({ bad }) => (bad ? [`coalesce(${bad}, false)`] : []))
  const bad = `len(list_filter(map_entries(${from}), lambda ${item}: ${bads.join(' OR ')})) > 0`
  const entries = `list_transform(map_entries(${from}), lambda ${item}: {'key': ${key.value}, 'value': ${value.value}})`
  // A map cannot have a key that is lost.
  const made = key.bad ? `CASE WHEN NOT ${bad} THEN map_from_entries(${entries}) END` : `map_from_entries(${entries})`
  return bads.length > 0 ? { type, value: made, bad, text: rawText(from) } : { type, value: made }
}

const rawText = (from: string): string => `CAST(${from} AS VARCHAR)`
