/** Calls the user's function for the values of a share, some at once, and returns their rows as JSON lines in the order of the values. */
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import type { InputObject, ItemSlice } from '../model/plan-data.ts'
import { inputOf } from '../state/plan-files.ts'
import { rowText, userFault } from './row-lines.ts'

export interface ItemCallsOptions {
  /** Maps a value to a row, a list of rows, or null. */
  map(value: ItemSlice['value']): unknown
  readonly inputs: Readonly<Record<number, InputObject>>
  /** Calls in flight at once. */
  readonly concurrency: number
  /** Repetitions of a call that fails. */
  readonly retries: number
  readonly signal?: AbortSignal | undefined
}

export interface ItemCalls {
  /** Returns the rows of a slice as JSON lines; slices are requested in their order. @throws SOURCE_FAILED with the item */
  textOf(slice: ItemSlice): Promise<Uint8Array>
  /** Starts no further call, and waits for those in flight. */
  end(): Promise<void>
}

/** Results that wait for a slow value before them, for each call in flight. */
const waitingPerCall = 16

/** Starts the first calls at once. Memory: the rows of 16 values for each call in flight. */
export function callItems(slices: readonly ItemSlice[], options: ItemCallsOptions): ItemCalls {
  const { concurrency } = options
  const calls = new Map<number, Promise<Uint8Array>>()
  let next = 0
  let inFlight = 0
  let isEnded = false
  const startCalls = (): void => {
    while (!isEnded && next < slices.length && inFlight < concurrency && calls.size < waitingPerCall * concurrency) {
      const slice = slices[next++] as ItemSlice
      inFlight++
      const call = callItem(slice, options)
      calls.set(slice.slice, call)
      call.then(endCall, endFailedCall)
    }
  }
  const endCall = (): void => {
    inFlight--
    startCalls()
  }
  // The error is thrown when the slice is requested; no further call begins until then.
  const endFailedCall = (): void => {
    inFlight--
    isEnded = true
  }
  startCalls()
  return {
    async textOf({ slice }) {
      const call = calls.get(slice)
      if (!call) throw new PermanentError('STATE_INVALID', `slice ${slice} is not the next value of its share`)
      const text = await call
      calls.delete(slice)
      startCalls()
      return text
    },
    async end() {
      isEnded = true
      await Promise.allSettled(calls.values())
    },
  }
}

const encoder = new TextEncoder()

async function callItem(slice: ItemSlice, { inputs, map, retries, signal }: ItemCallsOptions): Promise<Uint8Array> {
  const { key } = inputOf(inputs, slice)
  for (let tries = 1; ; tries++) {
    // An order to stop the run arrives between two values, also where the function never waits.
    await setImmediate()
    throwIfAborted(signal)
    try {
      const rows = rowsIn(await map(slice.value))
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
