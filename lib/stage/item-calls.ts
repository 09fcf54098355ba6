/** Calls the user's function for the values of a share, some at once, and returns their rows as JSON lines in the order of the values. */
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { FanmillError } from '../errors/errors.ts'
import type { InputObject, ItemSlice } from '../model/plan-data.ts'
import { inputOf } from '../state/plan-files.ts'
import { callInOrder, type OrderedCalls, type OrderedCallsOptions } from './ordered-calls.ts'
import { rowText, userFault } from './row-lines.ts'

/** The user's function with its context. */
export type MapItem = (value: ItemSlice['value']) => unknown

export interface ItemCallsOptions extends Pick<OrderedCallsOptions<unknown, unknown>, 'concurrency'> {
  /** Returns the function of a lane; each lane calls its function for one value after another. */
  mapOf(lane: number): Promise<MapItem>
  readonly inputs: Readonly<Record<number, InputObject>>
  /** Repetitions of a call that fails. */
  readonly retries: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Starts the first calls at once. Their results are the rows of the slices as JSON lines; they throw SOURCE_FAILED with the item. Memory:
 * the rows of 16 values for each call in flight.
 */
export function callItems(slices: readonly ItemSlice[], options: ItemCallsOptions): OrderedCalls<Uint8Array> {
  return callInOrder(slices, {
    call: (slice, lane, onPromise) => callItem(slice, { ...options, lane, onPromise }),
    concurrency: options.concurrency,
  })
}

interface LaneOptions extends ItemCallsOptions {
  readonly lane: number
  /** Is called when the function returns a promise. */
  onPromise(): void
}

const encoder = new TextEncoder()

async function callItem(slice: ItemSlice, options: LaneOptions): Promise<Uint8Array> {
  const { inputs, lane, mapOf, onPromise, retries, signal } = options
  const { key } = inputOf(inputs, slice)
  const map = await mapOf(lane)
  for (let tries = 1; ; tries++) {
    // An order to stop the run arrives between two values, also where the function never waits.
    await setImmediate()
    throwIfAborted(signal)
    try {
      const result = map(slice.value)
      if (result instanceof Promise) onPromise()
      const rows = rowsIn(await result)
      return encoder.encode(rows.map(row => `${rowText(row)}\n`).join(''))
    } catch (error) {
      throwIfAborted(signal)
      if (error instanceof FanmillError || tries > retries)
        throw userFault(error, `item ${key}: map() failed in try ${tries} of ${retries + 1}`, { item: key, tries })
    }
    // Ends early when the run is stopped; the check above then throws.
    await delay(firstWaitMs * 2 ** (tries - 1), undefined, { signal }).catch(() => undefined)
  }
}

const firstWaitMs = 250

function rowsIn(result: unknown): readonly unknown[] {
  if (result === null || result === undefined) return []
  return Array.isArray(result) ? result : [result]
}
