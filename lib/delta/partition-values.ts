/** Partition values as a table's log has them: texts by rules of the protocol, null for null. */
import { PermanentError } from '../errors/errors.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { DeltaField } from './column-types.ts'

/** Returns the values of a partition by its columns. An empty text is null, because readers of the log cannot tell them apart. */
export function partitionValues(
  partition: Partition,
  columns: readonly string[],
  fields: readonly DeltaField[],
): Record<string, string | null> {
  const types = new Map(fields.map(field => [field.name, field.type]))
  return Object.fromEntries(
    columns.map(name => {
      const value = partition[name] ?? null
      return [name, value === null || value === '' ? null : valueText(value, types.get(name))]
    }),
  )
}

/** The engine prints a timestamp with a zone in UTC as `2024-01-01 10:00:00+00`; the log has it without its zone. */
const valueText = (value: string, type: DeltaField['type'] | undefined): string =>
  type === 'timestamp' ? value.replace(/\+00(?::00)?$/, '') : value

/** @throws DEFINITION_INVALID for a partition column whose values the log cannot hold */
export function checkPartitionColumns(partitionBy: readonly string[], fields: readonly DeltaField[]): void {
  for (const { name, type } of fields)
    if (partitionBy.includes(name) && (typeof type !== 'string' || type === 'binary')) {
      const message = `output.partitionBy: expected columns with single values that have a text, got ${name} of type ${typeof type === 'string' ? type : type.type}; partition by another column`
      throw new PermanentError('DEFINITION_INVALID', message, { column: name })
    }
}

/**
 * Returns a function that makes a text of partition values, equal for equal values: other writers have other texts for the same
 * number, date or time.
 */
export function comparableValues(
  columns: readonly string[],
  fields: readonly DeltaField[],
): (values: Readonly<Record<string, string | null>>) => string {
  const types = columns.map(name => fields.find(field => field.name === name)?.type)
  return values => JSON.stringify(columns.map((name, index) => comparable(values[name] ?? null, types[index])))
}

function comparable(value: string | null, type: DeltaField['type'] | undefined): string | null {
  if (value === null || value === '') return null
  if (typeof type !== 'string' || type === 'string') return value
  if (type === 'boolean') return value.toLowerCase()
  if (type === 'float' || type === 'double') return String(Number(value.replace(/inf(?:inity)?$/i, 'Infinity')))
  if (type.startsWith('decimal')) return value.includes('.') ? value.replace(/\.?0+$/, '') : value
  if (type === 'timestamp' || type === 'timestamp_ntz') return comparableTime(value)
  return value
}

/** Returns date, time and fraction alone: `2024-01-01T10:00:00.000Z` and `2024-01-01 10:00:00` are one value. */
function comparableTime(value: string): string {
  const [, day, time = '00:00:00', fraction = ''] =
    /^(\S+?)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?)?(?:Z|\+00(?::?00)?)?$/.exec(value) ?? []
  return day === undefined ? value : `${day} ${time}.${fraction.replace(/0+$/, '')}`
}
