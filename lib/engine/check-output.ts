/** Checks the options of an output of Parquet files against the columns that the transform returns, and finds the types as which they are written. */
import type { ExchangeOutput } from '../define/steps/exchange-definition.ts'
import { storedType } from '../delta/column-types.ts'
import { checkPartitionColumns } from '../delta/partition-values.ts'
import { newFields } from '../delta/table-schema.ts'
import type { EngineColumn } from '../duckdb/engine-column.ts'
import { quoteName } from '../duckdb/quote.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import { readBackType } from './read-back-type.ts'
import { unfitInterval } from './write/unfit-interval.ts'
import type { PartOptions } from './write/write-parts.ts'

/** Returns the columns with the types as which they are written. @throws DEFINITION_INVALID with the option or the column */
export function writtenColumns(
  parts: PartOptions,
  schema: readonly EngineColumn[],
  exchange?: Pick<ExchangeOutput, 'by'>,
): readonly SchemaColumn[] {
  checkOutput(parts, schema)
  if (exchange) checkKeys(exchange.by, schema)
  const typeOf = exchange ? readBackType : (type: string): string => type
  if (!parts.isDelta) return schema.map(({ name, type }) => ({ name, type: typeOf(String(type)) }))
  const written = schema.map(({ name, type }) => ({ name, type: storedType(name, String(type)) }))
  checkPartitionColumns(parts.partitionBy, newFields(written))
  return written
}

const timeWithZone = 'TIME WITH TIME ZONE'

/** Refuses keys whose times lose their offset in a file where no cast can take it away before. */
function checkKeys(by: readonly string[], schema: readonly EngineColumn[]): void {
  for (const { name, type } of schema) {
    const text = String(type)
    if (!by.includes(name) || text === timeWithZone || !/\bTIME WITH TIME ZONE\b/.test(text)) continue
    throw invalid(
      `column ${name}: expected a key without times with an offset inside of lists and structs, got ${text}; cast it to TIME or VARCHAR in the transform`,
      { column: name },
    )
  }
}

/** Returns the query with its columns cast to the types as which they are written. */
export function castWritten(
  sql: string,
  schema: readonly EngineColumn[],
  { written, parts }: { readonly written: readonly SchemaColumn[]; readonly parts: PartOptions },
): string {
  // The engine names JSON like any other text, but marks it in the file; readers of Delta tables then find bytes.
  const mayBeJson = (type: string): boolean => parts.isDelta === true && type.includes('VARCHAR')
  const list = written.flatMap(({ name, type }, index) => {
    const column = quoteName(name)
    const unfit = parts.partitionBy.includes(name) ? undefined : unfitInterval(type, column)
    if (unfit)
      return `CASE WHEN ${unfit} THEN CAST(error('fanmill: unfit intervals') AS ${type}) ELSE ${column} END AS ${column}`
    if (isFloat(type) && (parts.bloomFilters || parts.partitionBy.includes(name)))
      return `${oneOfEqual(column, type)} AS ${column}`
    // Files have times with an offset in UTC.
    if (type === timeWithZone) return `CAST(timezone(INTERVAL 0 HOUR, ${column}) AS ${type}) AS ${column}`
    return mayBeJson(type) || type !== String(schema[index]?.type) ? `CAST(${column} AS ${type}) AS ${column}` : []
  })
  if (list.length === 0) return sql
  return `SELECT * REPLACE (${list.join(', ')}) FROM (${sql})`
}

const isFloat = (type: string): boolean => type === 'FLOAT' || type === 'DOUBLE'

/** Returns one of the values that are equal: they are one partition, and the engine finds only the bits of a value in Bloom filters. */
const oneOfEqual = (column: string, type: string): string =>
  `CASE WHEN ${column} = 0 THEN CAST(0 AS ${type}) WHEN isnan(${column}) THEN CAST('nan' AS ${type}) ELSE ${column} END`

function checkOutput(parts: PartOptions, schema: readonly EngineColumn[]): void {
  const names = schema.map(column => column.name)
  for (const option of ['partitionBy', 'sortBy'] as const) checkNames(option, parts[option], names)
  for (const { name, type } of schema) {
    if (/HUGEINT/.test(String(type)))
      throw invalid(
        `column ${name.replace(/^_fanmill_state_\d+_/, '')}: expected a type that Parquet has, got ${String(type)}; cast it to BIGINT or DECIMAL(38, 0)`,
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

/** @throws DEFINITION_INVALID for a name that is not among those of the columns */
export function checkNames(
  option: 'partitionBy' | 'sortBy' | 'bucketBy',
  wanted: readonly string[],
  names: readonly string[],
): void {
  const name = wanted.find(each => !names.includes(each))
  if (name === undefined) return
  throw invalid(
    `output.${option}: expected columns that the transform returns, got ${name}; ${nearestOrAll(name, names)}`,
    { option, name, names },
  )
}

const invalid = (message: string, detail: Readonly<Record<string, unknown>>): PermanentError =>
  new PermanentError('DEFINITION_INVALID', message, detail)
