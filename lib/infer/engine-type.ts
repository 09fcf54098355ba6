/** Translates types of the engine into columns. */
import type { InferredColumn } from './columns-source.ts'

const scalars: Readonly<Record<string, InferredColumn['type']>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'int8',
  SMALLINT: 'int16',
  INTEGER: 'int32',
  BIGINT: 'int64',
  UTINYINT: 'uint8',
  USMALLINT: 'uint16',
  UINTEGER: 'uint32',
  UBIGINT: 'uint64',
  FLOAT: 'float32',
  DOUBLE: 'float64',
  VARCHAR: 'string',
  UUID: 'string',
  BLOB: 'binary',
  DATE: 'date',
  TIME: 'time',
  'TIME WITH TIME ZONE': 'time',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  JSON: 'json',
}

/** Returns the column for a type of the engine; structs and maps become JSON. */
export function columnOfType(type: string): InferredColumn {
  if (type.endsWith('[]')) {
    const items = columnOfType(type.slice(0, -2))
    return items.type === 'json' ? items : { type: 'list', items }
  }
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(type)
  if (decimal) return { type: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
  if (type === 'TIMESTAMP_NS')
    return { type: 'timestamp', note: 'the nanoseconds below a microsecond make rejects, unless strict: false' }
  if (/^U?HUGEINT$/.test(type)) return { type: 'decimal', precision: 38, scale: 0 }
  return { type: scalars[type] ?? 'json' }
}
