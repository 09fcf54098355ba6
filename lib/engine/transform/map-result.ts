/** Checks the results of map functions of the user, and converts them to values for vectors. */
import type { DuckDBType } from '@duckdb/node-api'
import type { ColumnDefinition, MapBatchesStep, MapRowsStep } from '../../define/definition.ts'
import { isRejectError } from '../../define/steps/reject-error.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { PermanentError } from '../../errors/errors.ts'
import { didYouMean } from '../../errors/nearest.ts'
import { expectedText } from '../read/column-sql.ts'
import { tagOf, UnfitValue } from './unfit-value.ts'
import { type ToVector, valueWriter } from './vector-values.ts'

type RowResult = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[] | null

/** A fault of one row, which becomes a reject where the step says so: the function threw, or a value does not fit. */
class RowError extends PermanentError {}

/** Returns the reason for a reject, without values of the row; undefined for an error that fails the run. */
export function rejectReason(error: unknown, step: MapRowsStep | MapBatchesStep): string | undefined {
  if (isRejectError(error)) return error.reason
  if (step.onError !== 'reject' || !(error instanceof RowError)) return undefined
  return error.message
}

/**
 * Calls the user's function, and passes on a RejectError that it throws.
 * @throws TRANSFORM_FAILED when it throws anything else, or does not return an object, a list or null
 */
export function callUser(kind: 'mapRows' | 'mapBatches', call: () => unknown, row: number): RowResult {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    if (isRejectError(error)) throw error
    const text = error instanceof Error ? error.message : String(error)
    // Messages of the user may be shown anywhere; but errors of JSON.parse and BigInt quote the text that they were given.
    const isQuote = error instanceof SyntaxError
    const message = `the ${kind} function threw${isQuote ? ' a SyntaxError' : `: ${text}`}`
    const detail = { row, received: isQuote ? text : undefined }
    throw new RowError('TRANSFORM_FAILED', message, detail, { cause: error })
  }
  if (result === null || Array.isArray(result) || isRecord(result)) return result as RowResult
  const got = result instanceof Promise ? `a promise (${kind} is synchronous; fetch in setup)` : kindOf(result)
  const expected = kind === 'mapRows' ? 'an object, an array of objects or null' : 'an object of columns'
  throw new PermanentError('TRANSFORM_FAILED', `${kind}: expected ${expected}, got ${got}`, { row })
}

/** Whether a value is an object whose values are its properties: objects of classes are, a Map or a Date is not. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return Object.getPrototypeOf(value) === Object.prototype || tagOf(value) === 'Object'
}

/** Names the kind of a value in messages. */
export const kindOf = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'object' ? `a value of type ${tagOf(value)}` : typeof value

/** Returns the error for a key that is not a column. */
export const unknownKey = (kind: 'mapRows' | 'mapBatches', key: string, known: readonly string[]): PermanentError =>
  new PermanentError(
    'TRANSFORM_FAILED',
    `${kind} returned ${key}, which is neither a column nor in adds${didYouMean(key, known)}; add ${key}: column.…() to adds`,
    { key },
  )

/** A column of the result. */
export interface Target {
  readonly name: string
  readonly type: DuckDBType
  readonly toVector: ToVector
  /** Its definition in `adds`, if it is required. */
  readonly required: ColumnDefinition | undefined
}

/** Returns how values are written into a column that the step adds or changes. */
export function targetOf({ name, type }: EngineColumn, { adds }: MapRowsStep | MapBatchesStep): Target {
  return { name, type, toVector: valueWriter(type), required: adds[name]?.required ? adds[name] : undefined }
}

/** Converts a value for the vector. @throws TRANSFORM_FAILED with the column, for a value that its type cannot hold */
export function write(target: Target, value: unknown, row: number): unknown {
  const { name } = target
  try {
    return present(target, target.toVector(value), row)
  } catch (error) {
    if (!(error instanceof UnfitValue)) throw error
    const detail = { column: name, row, received: error.received }
    throw new RowError('TRANSFORM_FAILED', `column ${name}: ${error.message}`, detail)
  }
}

/** @throws TRANSFORM_FAILED for a null in a required column */
export function present({ name, required }: Target, value: unknown, row: number): unknown {
  if (value !== null || required === undefined) return value
  const message = `column ${name}: expected ${expectedText(required)}, got null`
  throw new RowError('TRANSFORM_FAILED', message, { column: name, row })
}
