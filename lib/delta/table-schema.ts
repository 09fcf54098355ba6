/** The columns of a table: reads and writes its schema, and fits the columns of new rows into it. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import { invalidLog, type MetaData } from './actions.ts'
import { type DeltaField, type DeltaType, deltaType, engineTypeOf, fieldOf } from './column-types.ts'

const typeSchema: v.GenericSchema<unknown, DeltaType> = v.lazy(() =>
  v.union([
    v.string(),
    v.object({ type: v.literal('array'), elementType: typeSchema, containsNull: v.boolean() }),
    v.object({
      type: v.literal('map'),
      keyType: typeSchema,
      valueType: typeSchema,
      valueContainsNull: v.boolean(),
    }),
    v.object({ type: v.literal('struct'), fields: v.array(fieldSchema) }),
  ]),
)
const fieldSchema = v.object({
  name: v.string(),
  type: typeSchema,
  nullable: v.optional(v.boolean(), true),
  metadata: v.optional(record(v.string(), v.unknown()), {}),
})
const tableSchema = v.object({ type: v.literal('struct'), fields: v.array(fieldSchema) })

/** Returns the columns of a table. @throws DELTA_INVALID */
export function fieldsOf({ schemaString }: MetaData, table: string): readonly DeltaField[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(schemaString)
  } catch (error) {
    throw invalidLog(table, 'metaData.schemaString: expected JSON, got something else', error)
  }
  const result = v.safeParse(tableSchema, parsed)
  if (!result.success) throw invalidLog(table, 'metaData.schemaString: expected a structure of fields, got another one')
  return result.output.fields
}

/** Returns the columns as a table's `schemaString`. */
export const schemaStringOf = (fields: readonly DeltaField[]): string => JSON.stringify({ type: 'struct', fields })

/** Returns the columns with the engine's types. @throws DELTA_UNSUPPORTED for a column that the engine does not read */
export function engineSchema(fields: readonly DeltaField[], table: string): SchemaColumn[] {
  return fields.map(({ name, type }) => {
    const found = engineTypeOf(type)
    if (found !== undefined) return { name, type: found }
    const message = `${table}: expected columns of types that Fanmill reads, got ${name} of type ${JSON.stringify(type)}; write the table without it, or as another type`
    throw new PermanentError('DELTA_UNSUPPORTED', message, { table, column: name })
  })
}

/** Characters that Parquet writers of Delta refuse in names, unless columns are mapped. */
const refusedCharacters = /[ ,;{}()\n\t=]/

/** Returns the columns of rows as a table has them. @throws DEFINITION_INVALID for a type or a name that it cannot have */
export function newFields(schema: readonly SchemaColumn[]): DeltaField[] {
  const names = new Set<string>()
  return schema.map(({ name, type }) => {
    const lower = name.toLowerCase()
    if (refusedCharacters.test(name) || names.has(lower)) throw refusedName(name, names.has(lower))
    names.add(lower)
    return fieldOf(name, deltaType(name, type))
  })
}

function refusedName(name: string, isTwice: boolean): PermanentError {
  const got = isTwice ? `${name}, which differs from another column by case alone` : JSON.stringify(name)
  const message = `expected a column name that Delta tables may have, without spaces and without any of ,;{}()=, got ${got}; rename it in the transform`
  return new PermanentError('DEFINITION_INVALID', message, { column: name })
}

/** The columns of a table and those of new rows. */
export interface SchemaMeeting {
  /** Name of the table, for messages. */
  readonly table: string
  readonly before: readonly DeltaField[]
  readonly own: readonly DeltaField[]
  readonly mode: 'append' | 'overwrite' | 'replacePartitions'
}

/**
 * Returns the columns of the table, then those that the rows add. When all rows are new, the table has their columns; it keeps its own
 * where they are the same in another order.
 * @throws OUTPUT_SCHEMA_MISMATCH where the rows lack a column of the table, or have another type in it
 */
export function fittingFields(meeting: SchemaMeeting): readonly DeltaField[] {
  const { before, own, mode } = meeting
  if (mode !== 'overwrite') return joinFields(meeting)
  const texts = (fields: readonly DeltaField[]) =>
    `${fields.map(field => `${field.name}:${typeText(field.type)}`).sort()}`
  return texts(before) === texts(own) ? before : own
}

function joinFields({ table, before, own }: SchemaMeeting): readonly DeltaField[] {
  const byName = new Map(own.map(field => [field.name.toLowerCase(), field]))
  for (const field of before) {
    const found = byName.get(field.name.toLowerCase())
    if (!found) throw mismatch(table, `column ${field.name}`, 'rows without it')
    if (found.name !== field.name) throw mismatch(table, `column ${field.name}`, `column ${found.name}`)
    if (typeText(found.type) !== typeText(field.type))
      throw mismatch(table, `column ${field.name} of type ${typeText(field.type)}`, typeText(found.type))
  }
  const names = new Set(before.map(field => field.name.toLowerCase()))
  return [...before, ...own.filter(field => !names.has(field.name.toLowerCase()))]
}

function mismatch(table: string, expected: string, got: string): PermanentError {
  const message = `${table}: expected ${expected}, as in the table, got ${got}; set the types of its columns as before (columns may be added), write to another path, or use mode 'overwrite' for all rows anew`
  return new PermanentError('OUTPUT_SCHEMA_MISMATCH', message, { table, expected, got })
}

/** Returns a type as text, without what does not decide which values fit. */
function typeText(type: DeltaType): string {
  if (typeof type === 'string') return type.replaceAll(' ', '')
  if (type.type === 'array') return `array<${typeText(type.elementType)}>`
  if (type.type === 'map') return `map<${typeText(type.keyType)},${typeText(type.valueType)}>`
  return `struct<${type.fields.map(field => `${field.name}:${typeText(field.type)}`).join(',')}>`
}
