/** What plan finds out about each object before it can be planned, several at once. */
import type { InputObject } from '../model/plan-data.ts'
import { forEachParallel } from '../state/files.ts'
import type { StoredObject } from '../store/store.ts'
import { type FindOptions, stopIfAborted } from './find-options.ts'

export interface OpenInput {
  readonly input: InputObject
}

/** Objects in their order. What was opened before was opened by the same function. */
export async function openAll<T extends OpenInput>(
  objects: readonly StoredObject[],
  open: (object: StoredObject) => Promise<T>,
  options: FindOptions & { readonly atOnce?: number | undefined },
): Promise<T[]> {
  const inputs: T[] = []
  let turn: Promise<void> | undefined
  const openOrTake = async (object: StoredObject, index: number): Promise<void> => {
    if (index % openedAtOnce === 0) turn = nextTurn()
    // All that are opened at once wait for it: those that went on would open everything before anything else had its turn.
    await turn
    stopIfAborted(options)
    const known = options.opened?.get(object.key) as T | undefined
    const isSame = known?.input.etag === object.etag && known.input.sizeBytes === object.sizeBytes
    const input = known && isSame ? known : await open(object)
    if (input !== known) options.onOpen?.(input)
    inputs[index] = input
  }
  await forEachParallel(objects, openOrTake, options.atOnce)
  return inputs
}

/** Small files are opened without waiting; after so many whatever else is due gets its turn. */
export const openedAtOnce = 256
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
