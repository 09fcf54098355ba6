/** Runs the user's `mapBatches` over a chunk at a time. */
import type { DuckDBDataChunk, DuckDBStructVector, DuckDBVector } from '@duckdb/node-api'
import type { MapBatchesStep } from '../../define/definition.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type ChunkFunction, type OwnContext, type RejectRow, ShapeChanged } from './map-context.ts'
import { callUser, rejectReason, type Target, unknownKey, write } from './map-result.ts'
import { isSameValue, valueReader } from './vector-values.ts'

/**
 * Returns the step as a function of chunks with the columns `given`. When a chunk fails with an error that rejects a row,
 * its rows are mapped one by one to find which row it is.
 */
export function batchFunction(
  step: MapBatchesStep,
  given: readonly EngineColumn[],
  targets: readonly Target[],
  { own, reject }: { readonly own: OwnContext; readonly reject: RejectRow },
): ChunkFunction {
  const readers = given.map(column => valueReader(column.type))
  const mapPiece = (chunk: DuckDBDataChunk, output: DuckDBVector, piece: Piece): number => {
    const columns: Record<string, unknown> = {}
    for (const [index, { name }] of given.entries())
      defineOnce(columns, name, () => {
        const vector = chunk.getColumnVector(index)
        return Array.from({ length: piece.rowCount }, (_, row) => readers[index]?.(vector, piece.first + row))
      })
    const { result, reasons } = callBatch(step, { rowCount: piece.rowCount, columns }, own)
    for (const key in result) checkBatchKey(key, result[key], columns, targets)
    const vector = output as DuckDBStructVector
    for (const [at, target] of targets.entries()) {
      const values = valuesOf(result, target.name, piece.rowCount)
      for (let row = 0; row < values.length; row++)
        if (!reasons.has(row)) vector.setItemValue(piece.first + row, at, write(target, values[row], row) as never)
    }
    for (const [row, reason] of reasons) rejectAt(chunk, output, piece.first + row, reason)
    return reasons.size
  }
  const rejectAt = (chunk: DuckDBDataChunk, output: DuckDBVector, row: number, reason: string): void => {
    reject(chunk, row, reason)
    ;(output as DuckDBStructVector).setItem(row, null)
  }
  const reasonOf = (error: unknown): string | undefined => (own.wasRefused ? undefined : rejectReason(error, step))
  return (chunk, output) => {
    try {
      mapPiece(chunk, output, { first: 0, rowCount: chunk.rowCount })
    } catch (error) {
      if (reasonOf(error) === undefined) throw error
      let rejected = 0
      for (let row = 0; row < chunk.rowCount; row++) {
        try {
          rejected += mapPiece(chunk, output, { first: row, rowCount: 1 })
        } catch (ofRow) {
          const reason = reasonOf(ofRow)
          if (reason === undefined) throw ofRow
          rejectAt(chunk, output, row, reason)
          rejected++
        }
      }
      if (rejected === 0) throw unplaced(error)
    }
  }
}

interface Piece {
  readonly first: number
  readonly rowCount: number
}

/** The error of a chunk that fails although each of its rows passes alone. */
function unplaced(error: unknown): PermanentError {
  const message = error instanceof Error ? error.message : String(error)
  const problem = `mapBatches: ${message}, but no row fails alone; name the row: context.reject(reason, { row })`
  return new PermanentError('TRANSFORM_FAILED', problem, {}, { cause: error })
}

interface BatchResult {
  readonly result: Readonly<Record<string, unknown>>
  /** Rows that the function rejected, by index. */
  readonly reasons: ReadonlyMap<number, string>
}

/** Calls the user's function with one batch. */
export function callBatch(
  step: MapBatchesStep,
  batch: { readonly rowCount: number; readonly columns: unknown },
  own: OwnContext,
): BatchResult {
  const map = step.map as (batch: unknown, context: unknown) => unknown
  const reasons = new Map<number, string>()
  own.batch = { rowCount: batch.rowCount, reasons }
  try {
    const result = callUser('mapBatches', () => map(batch, own.context), 0)
    if (own.wasRefused) throw new ShapeChanged()
    if (result !== null && !Array.isArray(result)) return { result: result as BatchResult['result'], reasons }
    const got = result === null ? 'null' : 'an array'
    throw new PermanentError('TRANSFORM_FAILED', `mapBatches: expected an object of columns, got ${got}`)
  } finally {
    own.batch = undefined
  }
}

/** @throws TRANSFORM_FAILED for a column without a value for each row */
export function valuesOf(result: BatchResult['result'], name: string, rowCount: number): readonly unknown[] {
  const values = result[name]
  if (Array.isArray(values) && values.length === rowCount) return values
  throw new PermanentError(
    'TRANSFORM_FAILED',
    `mapBatches: expected ${rowCount} values in ${name}, got ${Array.isArray(values) ? values.length : typeof values}`,
    { column: name },
  )
}

/** Accepts unchanged columns; a change to a column that is not in `adds` would be lost. */
export function checkBatchKey(
  key: string,
  values: unknown,
  columns: Readonly<Record<string, unknown>>,
  targets: readonly Target[],
): void {
  if (targets.some(({ name }) => name === key)) return
  if (!Object.hasOwn(columns, key)) {
    throw unknownKey('mapBatches', key, [...Object.keys(columns), ...targets.map(({ name }) => name)])
  }
  if (isSameValue(values, columns[key])) return
  throw new PermanentError(
    'TRANSFORM_FAILED',
    `mapBatches changed the column ${key}, which is not in adds; add ${key} with its type to adds`,
    { key },
  )
}

/** Defines a column whose values are read when the function first uses it. */
export function defineOnce(columns: Record<string, unknown>, name: string, read: () => readonly unknown[]): void {
  let values: readonly unknown[] | undefined
  const get = (): readonly unknown[] => {
    // Frozen, because a change in place could not be found by comparing.
    values ??= Object.freeze(read())
    return values
  }
  Object.defineProperty(columns, name, { enumerable: true, get })
}
