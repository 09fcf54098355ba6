/** Opens the objects of a plan, several at the same time. */
import { throwIfAborted } from '../errors/abort.ts'
import type { InputObject } from '../model/plan-data.ts'
import { mapParallel } from '../state/files.ts'
import type { StoredObject } from '../store/store.ts'

export interface OpenInput {
  readonly input: InputObject
}

export interface OpenOptions {
  /** Objects opened at the same time. */
  readonly atOnce?: number
  /** Inputs that an earlier call with the same source opened, by key; one that changed since is opened again. */
  readonly opened?: ReadonlyMap<string, OpenInput>
  /** Called with each input that is opened now. */
  onOpen?(input: OpenInput): void
  readonly signal?: AbortSignal
}

/** Opens objects, and returns the inputs in the order of the objects. Inputs in `opened` were opened by the same function. */
export async function openAll<T extends OpenInput>(
  objects: readonly StoredObject[],
  open: (object: StoredObject) => Promise<T>,
  options: OpenOptions,
): Promise<T[]> {
  let turn: Promise<void> | undefined
  const openOrTake = async (object: StoredObject, index: number): Promise<T> => {
    if (index % openedAtOnce === 0) turn = nextTurn()
    // All that are open at the same time wait here; otherwise everything would be opened before any other work gets its turn.
    await turn
    throwIfAborted(options.signal)
    const known = options.opened?.get(object.key) as T | undefined
    const isSame = known?.input.etag === object.etag && known.input.sizeBytes === object.sizeBytes
    const input = known && isSame ? known : await open(object)
    if (input !== known) options.onOpen?.(input)
    return input
  }
  return mapParallel(objects, openOrTake, options.atOnce)
}

/** Small files are opened without waiting; after so many, other work gets its turn. */
export const openedAtOnce = 256
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
