/** Names of column types: those of definitions, which users see, and those of the engine. */
import type { ColumnDefinition, ScalarType } from '../define/definition.ts'

/** The engine's name of each scalar type. */
export const engineTypes: Readonly<Record<ScalarType, string>> = {
  boolean: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  json: 'JSON',
  binary: 'BLOB',
}

const scalarNames = new Map(Object.entries(engineTypes).map(([name, engineType]) => [engineType, name as ScalarType]))

/** Returns the definition's name for a scalar type of the engine. */
export const scalarName = (engineType: string): ScalarType | undefined => scalarNames.get(engineType)

/** Returns the definition's name for a type of the engine; the engine's own name for a type that no definition has. */
export function typeName(engineType: string): string {
  if (engineType.endsWith('[]')) return `list of ${typeName(engineType.slice(0, -2))}`
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(engineType)
  if (decimal) return `decimal(${decimal[1]}, ${decimal[2]})`
  return scalarName(engineType) ?? engineType
}

export function definedTypeName({ type, precision = 18, scale = 3, items, fields = {} }: ColumnDefinition): string {
  if (type === 'decimal') return `decimal(${precision}, ${scale})`
  if (type === 'struct')
    return `struct(${Object.entries(fields)
      .map(([name, field]) => `${name} ${definedTypeName(field)}`)
      .join(', ')})`
  return type === 'list' ? `list of ${items ? definedTypeName(items) : 'string'}` : type
}

/** Whether a type has numbers, by the name that `typeName` returns. */
export const isNumberName = (name: string): boolean => /^(u?int|float|decimal|HUGEINT)/.test(name)
