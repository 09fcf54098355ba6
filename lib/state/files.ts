/** Reads and changes state files in a store, and defines the process that does so. */
import { FanmillError, TransientError } from '../errors/errors.ts'
import { hasCode, nothingFor } from '../errors/expected.ts'
import type { CheckpointFiles } from '../model/checkpoint-files.ts'
import type { Store } from '../store/store.ts'
import { type Owner, stateBytes } from './state.ts'

/** Requests of one commit at the same time: enough to hide S3's latency, far below its rate limits. */
const requestsMax = 16
/** Reads of small files at the same time where there are thousands: S3 answers each after tens of milliseconds. */
export const readsAtOnce = 64
/** Compare-and-swap rounds that may be lost to other processes. */
export const roundsMax = 20
const readTriesMax = 20

/** A process that changes state, with its store and clock. */
export interface Actor {
  readonly store: Store
  readonly owner: Owner
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** False for an owner known to be dead; undefined where that cannot be known, so that its lease decides. */
  readonly isAlive: (owner: Owner) => boolean | undefined
  /** Longer than the owner can live without renewing. */
  readonly leaseMs: number
  /** Called before and after each effect with its name, for tests that crash there. */
  readonly at: (point: string) => void | Promise<void>
  readonly checkpoints: CheckpointFiles
}

/** The options of an actor; the others have defaults. */
export interface ActorOptions {
  readonly owner: Owner
  readonly now: () => number
  readonly isAlive?: (owner: Owner) => boolean | undefined
  /** Default 16 minutes: longer than a Lambda function can run. */
  readonly leaseMs?: number
  readonly at?: (point: string) => void | Promise<void>
  /** Reads and writes the checkpoints of Delta tables. Default none, for a process that works on no such table. */
  readonly checkpoints?: CheckpointFiles | undefined
}

/** Creates an actor; by default leases decide whether an owner is alive. */
export function actorOf(store: Store, options: ActorOptions): Actor {
  const { owner, now, isAlive, leaseMs = 960_000, at, checkpoints = noCheckpoints } = options
  return { store, owner, now, leaseMs, checkpoints, isAlive: isAlive ?? (() => undefined), at: at ?? (() => {}) }
}

const refuseCheckpoint = async (): Promise<never> => {
  throw new FanmillError('ENGINE_FAILED', 'expected an engine for checkpoints, got a process without one', {})
}
const noCheckpoints: CheckpointFiles = { read: refuseCheckpoint, write: refuseCheckpoint }

/** Makes one change between two named points: `<name>:before` and `<name>:after`. */
export async function effect<T>(actor: Pick<Actor, 'at'>, name: string, act: () => Promise<T>): Promise<T> {
  await actor.at(`${name}:before`)
  const result = await act()
  await actor.at(`${name}:after`)
  return result
}

/** A state file and the etag to change it by. */
export interface Versioned<T> {
  readonly value: T
  readonly etag: string
}

/** Parses a state file, and checks its content. @throws STATE_INVALID */
export type StateReader<T> = (bytes: Uint8Array, key: string) => T

/** Reads a state file; undefined when it is not there. */
export async function readState<T>(store: Store, key: string, parse: StateReader<T>): Promise<T | undefined> {
  const bytes = await readIfThere(store, key)
  return bytes && parse(bytes, key)
}

/** Reads a state file together with its etag. */
export async function readVersioned<T>(
  store: Store,
  key: string,
  parse: StateReader<T>,
): Promise<Versioned<T> | undefined> {
  for (let tries = 0; tries < readTriesMax; tries++) {
    const found = await store.stat(key)
    if (!found) return undefined
    try {
      return { value: parse(await store.read(key, { etag: found.etag }), key), etag: found.etag }
    } catch (error) {
      if (!hasCode(error, 'INPUT_CHANGED') && !hasCode(error, 'DATASET_MISSING')) throw error
    }
  }
  throw new TransientError('OUTPUT_LOCKED', `${key} changes faster than it can be read; try again`, { key })
}

/**
 * Calls `act` with every item, at most `atOnce` at the same time, default 16, and returns the results in the order of the items.
 * All calls are settled before a failure is thrown.
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  act: (item: T, index: number) => Promise<R>,
  atOnce = requestsMax,
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const work = async () => {
    while (next < items.length && !failure) {
      const index = next++
      try {
        results[index] = await act(items[index] as T, index)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
  if (failure) throw failure.error
  return results
}

/**
 * Changes a state file by compare-and-swap: `next` gets its present value, and returns the new one, or undefined to leave it.
 * Returns whether the file was changed; undefined when other processes were faster in every round.
 */
export async function changeState<T>(
  store: Store,
  key: string,
  parse: StateReader<T>,
  next: (value: T | undefined) => T | undefined | Promise<T | undefined>,
): Promise<boolean | undefined> {
  for (let round = 0; round < roundsMax; round++) {
    const file = await readVersioned(store, key, parse)
    const value = await next(file?.value)
    if (value === undefined) return false
    const bytes = stateBytes(value)
    const etag = file ? await store.replace(key, bytes, file.etag) : await store.create(key, bytes)
    if (etag !== undefined) return true
  }
  return undefined
}

/** Reads a file; undefined when it is not there. */
export function readIfThere(store: Pick<Store, 'read'>, key: string): Promise<Uint8Array | undefined> {
  return store.read(key).catch(nothingFor('DATASET_MISSING'))
}
