/** Removes the parts of a batch that failed after they were stored: no outcome will name them. */
import { mapParallel } from '../../state/files.ts'
import type { PendingPart, Store } from '../../store/store.ts'
import { withMethods } from '../../store/with-methods.ts'

/** Lets work store parts, which are removed when it fails; its own error is thrown. */
export async function abortWhenFailed<T>(store: Store, work: (store: Store) => Promise<T>): Promise<T> {
  const staged: PendingPart[] = []
  const stagePart: Store['stagePart'] = async (...args) => {
    const part = await store.stagePart(...args)
    staged.push(part)
    return part
  }
  try {
    return await work(withMethods(store, { stagePart }))
  } catch (error) {
    // Deliberately ignored when one cannot be removed: the reason why the batch failed matters more.
    await mapParallel(staged, part => store.abortPart(part).catch(() => undefined))
    throw error
  }
}
