/** Translates types between the engine and Delta, and names those that Delta does not have. */
import { PermanentError } from '../errors/errors.ts'
import { type EngineType, engineTypeText, mapScalars, parseEngineType } from './engine-type.ts'

/** A type as a table's schema has it: the name of a primitive, or a nested type. */
export type DeltaType =
  | string
  | { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean }
  | {
      readonly type: 'map'
      readonly keyType: DeltaType
      readonly valueType: DeltaType
      readonly valueContainsNull: boolean
    }
  | { readonly type: 'struct'; readonly fields: readonly DeltaField[] }

export interface DeltaField {
  readonly name: string
  readonly type: DeltaType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

const primitives: Readonly<Record<string, string>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'byte',
  SMALLINT: 'short',
  INTEGER: 'integer',
  BIGINT: 'long',
  FLOAT: 'float',
  DOUBLE: 'double',
  VARCHAR: 'string',
  DATE: 'date',
  TIMESTAMP: 'timestamp_ntz',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  BLOB: 'binary',
}
const engineNames = new Map(Object.entries(primitives).map(([engine, delta]) => [delta, engine]))

/** The types as which values are stored that have no type of their own in Delta, and lose nothing by it. */
const stored: Readonly<Record<string, string>> = {
  UTINYINT: 'SMALLINT',
  USMALLINT: 'INTEGER',
  UINTEGER: 'BIGINT',
  JSON: 'VARCHAR',
  TIMESTAMP_S: 'TIMESTAMP',
  TIMESTAMP_MS: 'TIMESTAMP',
}

/** Casts of the types that Delta cannot store. */
const advised: Readonly<Record<string, string>> = {
  UBIGINT: 'DECIMAL(20, 0)',
  HUGEINT: 'DECIMAL(38, 0)',
  UHUGEINT: 'DECIMAL(38, 0)',
  TIMESTAMP_NS: 'TIMESTAMP',
}

/**
 * Returns the engine's type as which a column is stored: unsigned integers in the next larger signed type, JSON as text.
 * @throws DEFINITION_INVALID naming the column, its type, and the type to cast it to
 */
export function storedType(column: string, engineType: string): string {
  const found = mapScalars(parseEngineType(engineType), name => {
    const type = stored[name] ?? (name.startsWith('ENUM(') ? 'VARCHAR' : name)
    if (primitives[type] === undefined) throw refusedType(column, name)
    return { kind: 'scalar', name: type }
  })
  // Types without a replacement keep the engine's own spelling.
  return engineTypeText(found) === engineTypeText(parseEngineType(engineType)) ? engineType : engineTypeText(found)
}

function refusedType(column: string, name: string): PermanentError {
  const shown = name === 'UBIGINT' ? 'uint64' : name.toLowerCase()
  const cast = advised[name] ?? 'VARCHAR'
  const message = `column ${column}: expected a type that Delta tables have, got ${shown}; cast it in the transform: CAST("${column}" AS ${cast})`
  return new PermanentError('DEFINITION_INVALID', message, { column, type: name })
}

/** Returns the type of a column of an engine's type that `storedType` returned. @throws DEFINITION_INVALID */
export function deltaType(column: string, engineType: string): DeltaType {
  return typeOf(column, parseEngineType(engineType))
}

function typeOf(column: string, type: EngineType): DeltaType {
  switch (type.kind) {
    case 'scalar': {
      const found = primitives[type.name]
      if (found === undefined) throw refusedType(column, type.name)
      return found
    }
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`
    case 'list':
      return { type: 'array', elementType: typeOf(column, type.items), containsNull: true }
    case 'map':
      return {
        type: 'map',
        keyType: typeOf(column, type.key),
        valueType: typeOf(column, type.value),
        valueContainsNull: true,
      }
    case 'struct':
      return { type: 'struct', fields: type.fields.map(each => fieldOf(each.name, typeOf(column, each.type))) }
  }
}

/** Returns a field as Fanmill writes it: every column may have nulls. */
export const fieldOf = (name: string, type: DeltaType): DeltaField => ({ name, type, nullable: true, metadata: {} })

/** Returns the engine's type of a column of a table; undefined for a type that the engine does not read, such as `variant`. */
export function engineTypeOf(type: DeltaType): string | undefined {
  const found = engineType(type)
  return found && engineTypeText(found)
}

function engineType(type: DeltaType): EngineType | undefined {
  if (typeof type === 'string') {
    const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type)
    if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) }
    if (type === 'decimal') return { kind: 'decimal', precision: 10, scale: 0 }
    const name = engineNames.get(type)
    return name === undefined ? undefined : { kind: 'scalar', name }
  }
  if (type.type === 'array') {
    const items = engineType(type.elementType)
    return items && { kind: 'list', items }
  }
  if (type.type === 'map') {
    const [key, value] = [engineType(type.keyType), engineType(type.valueType)]
    return key && value && { kind: 'map', key, value }
  }
  const fields = type.fields.map(field => ({ name: field.name, type: engineType(field.type) }))
  const known = fields.flatMap(({ name, type: own }) => (own ? [{ name, type: own }] : []))
  return known.length === fields.length ? { kind: 'struct', fields: known } : undefined
}

/** Returns whether a type holds timestamps without a zone, which need a feature of the protocol. */
export function hasTimestampNtz(type: DeltaType): boolean {
  if (typeof type === 'string') return type === 'timestamp_ntz'
  if (type.type === 'array') return hasTimestampNtz(type.elementType)
  if (type.type === 'map') return hasTimestampNtz(type.keyType) || hasTimestampNtz(type.valueType)
  return type.fields.some(field => hasTimestampNtz(field.type))
}
