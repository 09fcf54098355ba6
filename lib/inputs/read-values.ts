/** Reads the values of a source that are in its definition, or that a function of the parameters returns. */
import { checkJsonValues, type JsonValue } from '../define/json-value.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import type { FindOptions } from './find-options.ts'

/** The values themselves, or the user's function that returns them. */
export type GivenValues =
  | readonly JsonValue[]
  | ((params: never) => readonly JsonValue[] | Promise<readonly JsonValue[]>)

/** Returns the values; `source` and `option` name them in messages. @throws SOURCE_FAILED when the user's code throws; DEFINITION_INVALID */
export async function readValues(
  values: GivenValues,
  { source, option }: { readonly source: string; readonly option: string },
  { task, params }: FindOptions,
): Promise<readonly JsonValue[]> {
  if (typeof values !== 'function') return values
  try {
    const found: unknown = await values(params as never)
    if (!Array.isArray(found)) throw new TypeError(`expected a list, got ${typeof found}`)
    checkJsonValues(`${source}: ${option}`, found)
    return found
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('SOURCE_FAILED', `task ${task.name}: ${option}() failed: ${message}`, {}, { cause: error })
  }
}
