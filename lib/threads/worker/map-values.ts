/** Maps values of a program in a thread, by a function that the user's module exports. */
import { setImmediate } from 'node:timers/promises'
import { type LoadableBundle, loadModule } from '../../bundle/bundle-load.ts'
import type { ParamValues } from '../../define/definition.ts'
import { throwIfAborted } from '../../errors/abort.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import type { WorkerJob } from '../../model/worker-job.ts'
import { callInOrder } from '../../stage/ordered-calls.ts'

/** Setup of a thread that maps values, sent with each job. */
export interface MapSetup {
  readonly bundle: LoadableBundle
  /** Name of the exported function. */
  readonly map: string
  /** Name of the exported function that runs once in each thread; default none. */
  readonly setup?: string | undefined
  readonly params: ParamValues
  readonly concurrency: number
}

const mapping = Symbol.for('fanmill.mapping')

/** Notes that this thread maps values. */
export function noteMapping(): void {
  Object.defineProperty(globalThis, mapping, { value: true })
}

/** Returns whether this thread maps values, also when another copy of this library noted it. */
export const isMapping = (): boolean => mapping in globalThis

type UserFunction = (...values: never[]) => unknown

/** Returns the context of the function: the same object for every value of this thread. @throws TRANSFORM_FAILED when `setup` throws */
export async function createMapContext({ bundle, setup, params }: MapSetup, signal: AbortSignal): Promise<unknown> {
  const base = { params: Object.freeze({ ...params }), signal }
  if (setup === undefined) return Object.freeze({ ...base, state: undefined })
  const run = exportedFunction(await loadModule(bundle), setup, bundle.file)
  try {
    return Object.freeze({ ...base, state: await run(base as never) })
  } catch (error) {
    throw callError(error, `${setup}() threw`, {})
  }
}

/** Returns the results in the order of the values. @throws TRANSFORM_FAILED with the index of the value; DEFINITION_LOAD */
export async function mapValues(
  { values, firstIndex }: WorkerJob<'map'>,
  { bundle, map, concurrency }: MapSetup,
  { context, signal }: { readonly context: unknown; readonly signal: AbortSignal },
): Promise<unknown[]> {
  const call = async (at: number, lane: number, onPromise: () => void): Promise<unknown> => {
    const run = exportedFunction(await loadModule(bundle, lane), map, bundle.file)
    // An order to stop arrives between two values, also where the function never waits.
    await setImmediate()
    throwIfAborted(signal)
    const index = firstIndex + at
    try {
      const result = run(values[at] as never, context as never)
      if (result instanceof Promise) onPromise()
      return await result
    } catch (error) {
      throw callError(error, `${map}() threw at index ${index}`, { index })
    }
  }
  const calls = callInOrder([...values.keys()], { call, concurrency })
  try {
    const results: unknown[] = []
    while (results.length < values.length) results.push(await calls.next())
    return results
  } finally {
    await calls.end()
  }
}

function exportedFunction(module: Readonly<Record<string, unknown>>, name: string, file: string): UserFunction {
  const found = module[name] ?? Object.values(module).find(value => typeof value === 'function' && value.name === name)
  if (typeof found === 'function') return found as UserFunction
  const names = Object.keys(module).join(', ') || 'nothing'
  const message = `parallelMap: expected ${file} to export the function ${name}, it exports ${names}; export it, or name its module: parallelMap(values, ${name}, { module })`
  throw new PermanentError('DEFINITION_LOAD', message, { file, name })
}

function callError(error: unknown, what: string, detail: Readonly<Record<string, unknown>>): FanmillError {
  if (error instanceof FanmillError) return error
  const message = `parallelMap: ${what}: ${error instanceof Error ? error.message : String(error)}`
  return new PermanentError('TRANSFORM_FAILED', message, detail, { cause: error })
}
