/** Runs the user's `mapBatches` over a chunk at a time. */
import type { DuckDBDataChunk, DuckDBStructVector, DuckDBVector } from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import type { MapBatchesStep } from '../define/definition.ts'
import { type ChunkFunction, type OwnContext, Relearn } from './map-context.ts'
import { callUser, type Target, unknownKey, write } from './map-result.ts'
import type { SchemaColumn } from './transform.ts'
import { isSameValue, valueReader } from './vector-values.ts'

/** The step as a function of chunks with the columns `given`. */
export function batchFunction(
  step: MapBatchesStep,
  given: readonly SchemaColumn[],
  targets: readonly Target[],
  own: OwnContext,
): ChunkFunction {
  const readers = given.map(column => valueReader(column.type))
  const map = step.map as (batch: unknown, context: unknown) => unknown
  return (chunk, output) => {
    const columns: Record<string, unknown> = {}
    for (const [index, { name }] of given.entries()) defineColumn(columns, name, chunk, index, readers)
    const batch = { rowCount: chunk.rowCount, columns }
    const result = callUser('mapBatches', () => map(batch, own.context), 0) as unknown as Readonly<
      Record<string, unknown>
    >
    if (own.wasRefused) throw new Relearn()
    if (result === null || Array.isArray(result))
      throw new PermanentError(
        'TRANSFORM_FAILED',
        `mapBatches: expected an object of columns, got ${result === null ? 'null' : 'an array'}`,
      )
    for (const key in result) checkBatchKey(key, result[key], columns, targets)
    for (const [at, target] of targets.entries()) {
      const { name } = target
      const values = result[name]
      if (!Array.isArray(values) || values.length !== chunk.rowCount)
        throw new PermanentError(
          'TRANSFORM_FAILED',
          `mapBatches: expected ${chunk.rowCount} values in ${name}, got ${Array.isArray(values) ? values.length : typeof values}`,
          { column: name },
        )
      for (let row = 0; row < values.length; row++)
        (output as DuckDBStructVector).setItemValue(row, at, write(target, values[row], row) as never)
    }
  }
}

/** Columns may come back as they were; a change that has no place would be lost. */
function checkBatchKey(
  key: string,
  values: unknown,
  columns: Readonly<Record<string, unknown>>,
  targets: readonly Target[],
): void {
  if (targets.some(({ name }) => name === key)) return
  if (!Object.hasOwn(columns, key)) throw unknownKey('mapBatches', key)
  if (isSameValue(values, columns[key])) return
  throw new PermanentError(
    'TRANSFORM_FAILED',
    `mapBatches changed the column ${key}, which is not in adds; add ${key} with its type to adds`,
    { key },
  )
}

/** A column's values are made when the function first asks for them. */
function defineColumn(
  columns: Record<string, unknown>,
  name: string,
  chunk: DuckDBDataChunk,
  index: number,
  readers: readonly ((vector: DuckDBVector, row: number) => unknown)[],
): void {
  let values: readonly unknown[] | undefined
  Object.defineProperty(columns, name, {
    enumerable: true,
    get: () => {
      if (values) return values
      const vector = chunk.getColumnVector(index)
      // Frozen, because what is changed in place could not be told from what was there.
      values = Object.freeze(Array.from({ length: chunk.rowCount }, (_, row) => readers[index]?.(vector, row)))
      return values
    },
  })
}
