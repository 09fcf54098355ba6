/** Writes rows that the user's code yields as JSON lines, which are then checked like any text. */
import { throwIfAborted } from '../errors/abort.ts'
import { type ErrorDetail, FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { isNetworkFault } from '../store/network-fault.ts'

/** Characters that are gathered before they are passed on. */
const chunkLength = 256 * 1024

/**
 * Yields the rows as bytes, in chunks of whole lines. Memory: one chunk and one row.
 * @throws SOURCE_FAILED with the partition when the user's code throws, or yields what is no row; transient after a network error
 */
export async function* rowLines(
  open: () => AsyncIterable<object> | Iterable<object>,
  { partition, signal }: { readonly partition: string; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  let text = ''
  let rows = 0
  try {
    for await (const row of open()) {
      text += `${rowText(row)}\n`
      rows++
      if (text.length < chunkLength) continue
      throwIfAborted(signal)
      yield encoder.encode(text)
      text = ''
    }
  } catch (error) {
    throwIfAborted(signal)
    // The partition stands in the message, which names no further place.
    const detail = { archive: partition, partition, rows }
    throw userFault(error, `partition ${partition}: rows() failed after ${rows} rows`, detail)
  }
  if (text !== '') yield encoder.encode(text)
}

const encoder = new TextEncoder()

/** Returns a row as JSON. @throws TypeError for what is no object, and for values that JSON would change in silence */
export function rowText(row: unknown): string {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return JSON.stringify(row, replaceValue)
  throw new TypeError(`expected an object with a value for each column, got ${kindOf(row)}`)
}

function replaceValue(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJson(String(value))
  // Some values have a JSON of their own, by which an invalid date is null and bytes are an object.
  const given = this[name]
  if (given instanceof Date && Number.isNaN(given.getTime())) return String(given)
  // JSON would write null; as a text it meets the check of its column.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value === 'function' || typeof value === 'symbol' || hasNoJson(given))
    throw new TypeError(`${name}: expected a value that JSON can hold, got ${kindOf(given)}`)
  return value
}

const hasNoJson = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || [ArrayBuffer, Map, Set].some(kind => value instanceof kind)

function kindOf(value: unknown): string {
  if (typeof value !== 'object') return `a ${typeof value}`
  return value === null ? 'null' : `a value of class ${value.constructor?.name ?? 'unknown'}`
}

/** Writes digits as they are, which a number could not hold. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): unknown }

/** Returns the error of a source whose code threw: `what` says which code and where. A network error is transient. */
export function userFault(error: unknown, what: string, detail: ErrorDetail): unknown {
  if (error instanceof FanmillError) return error
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
  const isTransient = error instanceof Error && isNetworkFault(error)
  return new (isTransient ? TransientError : PermanentError)('SOURCE_FAILED', message, detail, { cause: error })
}
