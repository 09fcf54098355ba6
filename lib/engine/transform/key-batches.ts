/** Runs the user's `mapBatches` after an exchange: one call for all rows of a key, which are lists in one row of a chunk. */
import {
  type DuckDBDataChunk,
  type DuckDBType,
  type DuckDBVector,
  LIST,
  listValue,
  structValue,
} from '@duckdb/node-api'
import type { MapBatchesStep } from '../../define/definition.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { callBatch, checkBatchKey, defineOnce, valuesOf } from './map-batches.ts'
import { type ChunkFunction, type OwnContext, RowRejected, setItem } from './map-context.ts'
import { type Target, write } from './map-result.ts'
import { valueReader } from './vector-values.ts'

/** Returns the query of one row for each key, with a list of values in each column; all are in the order of the rows by all columns. */
export function listsByKey(input: string, given: readonly EngineColumn[], by: readonly string[]): string {
  const names = given.map(({ name }) => quoteName(name))
  const row = `struct_pack(${names.map(name => `${name} := ${name}`).join(', ')})`
  const keys = by.map(quoteName).join(', ')
  const lists = names.map(name => `list_transform(_fanmill_rows, lambda r: r.${name}) AS ${name}`)
  return `SELECT ${lists.join(', ')} FROM (SELECT list_sort(list(${row})) AS _fanmill_rows FROM (${input}) GROUP BY ${keys})`
}

/** The types of the function's arguments. */
export const listTypes = (given: readonly EngineColumn[]): DuckDBType[] => given.map(({ type }) => LIST(type))

/** Returns the step as a function of chunks with a key in each row. Memory: the rows of one key. */
export function keyBatchFunction(
  step: MapBatchesStep,
  given: readonly EngineColumn[],
  targets: readonly Target[],
  own: OwnContext,
): ChunkFunction {
  const readers = listTypes(given).map(valueReader)
  const mapKey = (chunk: DuckDBDataChunk, output: DuckDBVector, row: number): void => {
    const read = (index: number): readonly unknown[] =>
      (readers[index]?.(chunk.getColumnVector(index), row) ?? []) as unknown[]
    const columns: Record<string, unknown> = {}
    for (const [index, { name }] of given.entries()) defineOnce(columns, name, () => read(index))
    const rowCount = read(0).length
    const { result, reasons } = callBatch(step, { rowCount, columns }, own)
    for (const reason of reasons.values()) throw new RowRejected(reason)
    for (const key in result) checkBatchKey(key, result[key], columns, targets)
    const values = targets.map(({ name }) => valuesOf(result, name, rowCount))
    const rows = Array.from({ length: rowCount }, (_, at) => {
      const fields = targets.map((target, index) => [target.name, write(target, values[index]?.[at], at)])
      return structValue(Object.fromEntries(fields) as never)
    })
    setItem(output, row, listValue(rows))
  }
  return (chunk, output) => {
    for (let row = 0; row < chunk.rowCount; row++) mapKey(chunk, output, row)
  }
}
