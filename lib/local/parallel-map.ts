/** Maps values of a program in worker threads. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundlePipeline } from '../bundle/bundle.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { itemShares } from '../inputs/slices/plan-slices.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import { settleAll } from '../store/settle-all.ts'
import { defaultWorkers } from '../threads/pool/machine.ts'
import { machineMemoryBytes } from '../threads/pool/machine-memory.ts'
import { openWorkers } from '../threads/pool/pool.ts'
import { isMapping, type MapSetup } from '../threads/worker/map-values.ts'

/** The context that the function of `parallelMap` gets besides its value. */
export interface ParallelContext<Params = Readonly<Record<string, unknown>>, State = unknown> {
  readonly params: Params
  /** The value that `setup` returned in this worker. */
  readonly state: State
  /** A signal that is aborted when the map stops. */
  readonly signal: AbortSignal
}

export interface ParallelMapOptions<Params, State> {
  /**
   * Path or URL of the module that exports the function: threads import it, as functions cannot be sent to them. Required.
   * @example module: new URL('./score.ts', import.meta.url)
   */
  readonly module: string | URL
  /** Values that the function finds in `context.params`, such as `{ factor: 2 }`; default none. */
  readonly params?: Params
  /** Function of the same module that runs once in each worker; what it returns is `context.state`. Default none. */
  readonly setup?: (context: Omit<ParallelContext<Params>, 'state'>) => State | Promise<State>
  /** Number of threads, such as `4`; default the CPUs that this process may use. */
  readonly workers?: number
  /** Calls of an async function in flight at once, in each worker, such as `20`; default 5. */
  readonly concurrency?: number
  /** Stops the map when it aborts. */
  readonly signal?: AbortSignal
}

/** Maps values in threads, and returns the results in the order of the values. Memory: all values and results. */
export async function parallelMap(
  values: Iterable<unknown> | AsyncIterable<unknown>,
  map: (value: never, context: never) => unknown,
  { module, params = {}, setup, workers, concurrency = 5, signal }: ParallelMapOptions<object, unknown>,
): Promise<unknown[]> {
  throwIfAborted(signal)
  if (module === undefined) throw new PermanentError('USAGE', moduleMissing)
  refuseThread(module)
  const names = { map: nameOf('the function', map), setup: setup && nameOf('setup', setup) }
  const all = await Array.fromAsync(values)
  if (all.length === 0) return []
  const threads = Math.min(workers ?? defaultWorkers(), all.length)
  return inOwnFolder(async folder => {
    const { file, url, files } = await bundlePipeline(fileOf(module), {
      outFolder: join(folder, 'bundles'),
      what: 'a module with a function',
    })
    const given = { ...names, bundle: { file, url, files }, params, concurrency } as MapSetup
    return mapInThreads(all, given, { threads, signal })
  })
}

async function mapInThreads(
  values: readonly unknown[],
  setup: MapSetup,
  { threads, signal }: { readonly threads: number; readonly signal: AbortSignal | undefined },
): Promise<unknown[]> {
  const heapBytes = machineMemoryBytes()
  const pool = openWorkers({ entry: 'worker-map', threads, heapBytes, setup: { ...setup }, onMessage: () => {} })
  const stop = (): void => pool.stop()
  signal?.addEventListener('abort', stop)
  let failure: { readonly error: unknown } | undefined
  const stopAll = (error: unknown): [] => {
    failure ??= { error }
    stop()
    return []
  }
  try {
    const shares = itemShares([...values.entries()], { threads, callsAtOnce: setup.concurrency })
    const mapShare = (share: readonly (readonly [number, unknown])[]) =>
      pool.run<'map'>({ kind: 'map', values: share.map(([, value]) => value), firstIndex: share[0]?.[0] ?? 0 })
    const results = await settleAll(shares.map(share => mapShare(share).catch(stopAll)))
    if (!failure) return results.flat()
    throwIfAborted(signal)
    throw failure.error
  } finally {
    signal?.removeEventListener('abort', stop)
    await pool.close()
  }
}

const moduleMissing =
  'parallelMap: module: expected the path or the URL of the module that exports the function, got nothing; give { module: new URL("./score.ts", import.meta.url) }'

/** @throws USAGE where the module calls `parallelMap` while a thread imports it, which would never end */
function refuseThread(module: string | URL): void {
  if (!isMapping()) return
  const message = `parallelMap: ${module} calls parallelMap when it is imported, and each thread imports it; move the function into a module of its own`
  throw new PermanentError('USAGE', message, { module: String(module) })
}

function nameOf(what: string, { name }: { readonly name: string }): string {
  if (name !== '') return name
  const message = `parallelMap: expected ${what} to be exported under its name, got a function without one`
  throw new PermanentError('USAGE', message)
}

function fileOf(module: string | URL): string {
  return String(module).startsWith('file:') ? fileURLToPath(module) : String(module)
}
