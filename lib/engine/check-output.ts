/** Checks the options of a Parquet output against the columns that the transform returns. */
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import type { SchemaColumn } from './transform/schema-column.ts'
import type { PartOptions } from './write/write-parts.ts'

/** @throws DEFINITION_INVALID with the option or the column */
export function checkOutput(parts: PartOptions, schema: readonly SchemaColumn[]): void {
  const names = schema.map(column => column.name)
  for (const option of ['partitionBy', 'sortBy'] as const) checkNames(option, parts[option], names)
  for (const { name, type } of schema) {
    if (/HUGEINT/.test(String(type)))
      throw invalid(
        `column ${name}: expected a type that Parquet has, got ${String(type)}; cast it to BIGINT or DECIMAL(38, 0)`,
        { column: name },
      )
    if (parts.partitionBy.includes(name) && String(type) === 'BLOB')
      throw invalid(
        `output.partitionBy: expected columns that have a text, got ${name} of type binary; make a text of it with hex() in the transform`,
        { column: name },
      )
  }
  if (parts.partitionBy.length > 0 && parts.partitionBy.length === names.length)
    throw invalid('output.partitionBy: expected at least one column that is no partition, got all of them', { names })
}

function checkNames(option: 'partitionBy' | 'sortBy', wanted: readonly string[], names: readonly string[]): void {
  const name = wanted.find(each => !names.includes(each))
  if (name === undefined) return
  throw invalid(
    `output.${option}: expected columns that the transform returns, got ${name}; ${nearestOrAll(name, names)}`,
    { option, name, names },
  )
}

const invalid = (message: string, detail: Readonly<Record<string, unknown>>): PermanentError =>
  new PermanentError('DEFINITION_INVALID', message, detail)
