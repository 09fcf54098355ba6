/** Types as they are after rows were written to a Parquet file and read again, as between two stages. */
import { engineTypeText, mapScalars, parseEngineType } from '../delta/engine-type.ts'

/**
 * Returns the type that the engine reads back from a Parquet file that it has written. Rows of an exchange have it before they are
 * written, because a value of another type has another hash and another place in an order.
 */
export function readBackType(type: string): string {
  const own = parseEngineType(type)
  const found = engineTypeText(mapScalars(own, name => ({ kind: 'scalar', name: readBackScalar(name) })))
  return found === engineTypeText(own) ? type : found
}

function readBackScalar(name: string): string {
  if (name === 'TIMESTAMP_S' || name === 'TIMESTAMP_MS') return 'TIMESTAMP'
  return name.startsWith('ENUM(') || ['BIT', 'BIGNUM', 'TIME_NS'].includes(name) ? 'VARCHAR' : name
}
