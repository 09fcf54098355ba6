/** Finds the column definition for a type of the engine. */
import { scalarName } from '../model/type-names.ts'
import type { InferredColumn } from './columns-source.ts'

/** Types without a definition of their own. */
const similar: Readonly<Record<string, InferredColumn['type']>> = {
  UUID: 'string',
  'TIME WITH TIME ZONE': 'time',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
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
  return { type: scalarName(type) ?? similar[type] ?? 'json' }
}
