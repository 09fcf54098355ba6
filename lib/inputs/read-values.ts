/** Reads the values of a source that are in its definition, or that a function of the parameters returns. */
import { checkJsonValues, type GivenValues, type JsonValue } from '../define/json-value.ts'
import { FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { isNetworkFault } from '../store/network-fault.ts'
import type { FindOptions } from './find-options.ts'

/** Returns the values; `source` and `option` name them in messages. @throws SOURCE_FAILED when the user's code throws, transient after a network error; DEFINITION_INVALID */
export async function readValues(
  values: GivenValues,
  { source, option }: { readonly source: string; readonly option: string },
  { task, params }: Pick<FindOptions, 'task' | 'params'>,
): Promise<readonly JsonValue[]> {
  if (typeof values !== 'function') return values
  return readGiven({ task: task.name, option }, async () => {
    const found: unknown = await values(params as never)
    if (!Array.isArray(found)) throw new TypeError(`expected a list, got ${typeof found}`)
    checkJsonValues(`${source}: ${option}`, found)
    return found
  })
}

/** Calls a function of a definition, and names it in errors. @throws SOURCE_FAILED, transient after a network error */
export async function readGiven<T>(
  { task, option }: { readonly task: string; readonly option: string },
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    const Kind = error instanceof Error && isNetworkFault(error) ? TransientError : PermanentError
    throw new Kind('SOURCE_FAILED', `task ${task}: ${option}() failed: ${reason}`, {}, { cause: error })
  }
}
