/** Reads the schema of an Avro file, which is JSON, into a tree of types. */
import { invalidInput } from '../errors/invalid-input.ts'

/** A type with what its values mean. A named type may contain itself. */
export type AvroType =
  | { readonly kind: PlainKind; readonly logical?: string; readonly precision?: number; readonly scale?: number }
  | {
      readonly kind: 'fixed'
      readonly size: number
      readonly logical?: string
      readonly precision?: number
      readonly scale?: number
    }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

export interface AvroRecord {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroType
}

const plainKinds = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
type PlainKind = (typeof plainKinds)[number]

/** Returns the type of the records. @throws INPUT_INVALID for a schema that is not one of records, or is no schema */
export function readSchema(text: string): AvroRecord {
  const type = new SchemaReader().read(parsed(text), '')
  if (type.kind === 'record') return type
  throw invalidInput('an Avro schema of records', `one of the type ${type.kind}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidInput('an Avro schema in JSON', (error as Error).message)
  }
}

type Fields = Readonly<Record<string, unknown>>

/** How deep types may be in one another. */
const depthMax = 1000

class SchemaReader {
  #depth = 0
  readonly #named = new Map<string, AvroType>()

  read(schema: unknown, space: string): AvroType {
    if (this.#depth >= depthMax)
      throw invalidInput(`a schema of at most ${depthMax} types in one another`, 'a deeper one')
    this.#depth++
    const type = this.#read(schema, space)
    this.#depth--
    return type
  }

  #read(schema: unknown, space: string): AvroType {
    if (typeof schema === 'string') return this.#byName(schema, space)
    if (Array.isArray(schema)) return { kind: 'union', branches: schema.map(branch => this.read(branch, space)) }
    if (typeof schema !== 'object' || schema === null) throw schemaFault(schema)
    const fields = schema as Fields
    const { type } = fields
    if (type === 'record' || type === 'error') return this.#record(fields, space)
    if (type === 'enum') return this.#keep(fields, space, { kind: 'enum', symbols: texts(fields.symbols) })
    if (type === 'fixed')
      return this.#keep(fields, space, { kind: 'fixed', size: fixedSize(fields), ...logicalOf(fields) })
    if (type === 'array') return { kind: 'array', items: this.read(fields.items, space) }
    if (type === 'map') return { kind: 'map', items: this.read(fields.values, space) }
    const inner = this.read(type, space)
    return 'logicalType' in fields && isPlain(inner.kind) ? { kind: inner.kind, ...logicalOf(fields) } : inner
  }

  #byName(name: string, space: string): AvroType {
    if (isPlain(name)) return { kind: name }
    const found = this.#named.get(fullName(name, space)) ?? this.#named.get(name)
    if (found) return found
    throw schemaFault(name)
  }

  #keep(fields: Fields, space: string, type: AvroType): AvroType {
    this.#named.set(nameOf(fields, space), type)
    return type
  }

  #record(given: Fields, space: string): AvroType {
    const fields: AvroField[] = []
    const record = this.#keep(given, space, { kind: 'record', fields })
    const own = nameOf(given, space)
    const inner = own.includes('.') ? own.slice(0, own.lastIndexOf('.')) : ''
    if (!Array.isArray(given.fields)) throw schemaFault(given)
    for (const field of given.fields as readonly (Fields | null)[]) {
      if (typeof field?.name !== 'string') throw schemaFault(field)
      fields.push({ name: field.name, type: this.read(field.type, inner) })
    }
    return record
  }
}

const isPlain = (name: string): name is PlainKind => (plainKinds as readonly string[]).includes(name)

const fullName = (name: string, space: string): string =>
  space === '' || name.includes('.') ? name : `${space}.${name}`

const nameOf = ({ name, namespace }: Fields, space: string): string =>
  fullName(String(name), typeof namespace === 'string' ? namespace : space)

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

function fixedSize(fields: Fields): number {
  const { size } = fields
  if (!isCount(size)) throw schemaFault(fields)
  return size
}

/** Returns the meaning of a type. One that is not valid is passed over, as the specification has it ("Logical Types"). */
function logicalOf({ logicalType, precision = 0, scale = 0 }: Fields) {
  if (typeof logicalType !== 'string' || !isCount(precision) || !isCount(scale)) return {}
  if (logicalType === 'decimal' && (scale > precision || precision > digitsMax)) return {}
  return { logical: logicalType, precision, scale }
}

/** Digits of the longest decimal. */
const digitsMax = 2400

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0

const schemaFault = (got: unknown): Error =>
  invalidInput('a type in the Avro schema', (JSON.stringify(got) ?? 'nothing').slice(0, 200))
