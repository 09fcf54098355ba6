/** Finds the columns of a test's rows, for a task that has those of the dataset that it reads. */
import { column } from '../define/columns/column.ts'
import type { ColumnDefinition, Columns } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { TestRow } from './row-text.ts'

/** Returns the columns of all rows, with the types of their values. @throws USAGE for values of which no type follows */
export function columnsOfRows(rows: readonly TestRow[]): Columns {
  const names = new Set(rows.flatMap(row => Object.keys(row)))
  return Object.fromEntries(Array.from(names, name => [name, columnOf(name, valuesOf(rows, name))]))
}

const valuesOf = (rows: readonly TestRow[], name: string): readonly unknown[] =>
  rows.map(row => row[name]).filter(value => value !== null && value !== undefined)

/** The types by what values may have them; the first that fits all values of a column is its type. A column without values has texts. */
const types: readonly (readonly [ColumnDefinition, (value: unknown) => boolean])[] = [
  [column.string(), value => typeof value === 'string'],
  [column.boolean(), value => typeof value === 'boolean'],
  [column.int32(), value => typeof value === 'number' && value === (value | 0)],
  [column.float64(), value => typeof value === 'number'],
  [column.int64(), value => typeof value === 'bigint'],
  [column.timestamp(), value => value instanceof Date],
]

function columnOf(name: string, values: readonly unknown[]): ColumnDefinition {
  const [found] = types.find(([, fits]) => values.every(fits)) ?? []
  if (found) return found
  const message = `rows: expected texts, booleans, numbers, bigints or dates in column ${name}; for other values declare the columns of the task, or give files`
  throw new PermanentError('USAGE', message, { column: name })
}
