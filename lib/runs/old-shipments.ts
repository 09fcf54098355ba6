/** Finds shipped code that no execution needs any more. */
import { isDamaged, readUndamaged } from '../state/damaged-state.ts'
import { mapParallel, readsAtOnce } from '../state/files.ts'
import { readShippedUse, shippedHashIn, shippedKeys } from '../state/shipped-state.ts'
import { shippedRoot } from '../store/state-root.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { isAnyLive, type RunClock } from './runs.ts'

/** Returns the files of code that was shipped last that long ago, and that no kept attempt needs; none while any run is live, which may run it. */
export async function findOldShipments(
  store: Store,
  { olderThanMs, needed, ...clock }: RunClock & { readonly olderThanMs: number; readonly needed: ReadonlySet<string> },
): Promise<StoredObject[]> {
  const files = await Array.fromAsync(store.list(shippedRoot))
  const old = new Set<string>()
  const look = async (hash: string): Promise<void> => {
    const use = await readUndamaged(store, shippedKeys(hash).use, readShippedUse)
    // Without the file, which is written first, a clean was interrupted.
    const isOld = !isDamaged(use) && !(Date.parse(use?.shippedAt ?? '') > clock.now() - olderThanMs)
    if (isOld && !needed.has(hash)) old.add(hash)
  }
  await mapParallel([...new Set(files.map(({ key }) => shippedHashIn(key)))], look, readsAtOnce)
  if (old.size === 0 || (await isAnyLive(store, clock))) return []
  return files.filter(({ key }) => old.has(shippedHashIn(key)))
}
