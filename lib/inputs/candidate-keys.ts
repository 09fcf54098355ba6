/** Lists keys, from which an error names those nearest to a missing one. */
import type { Store } from '../store/store.ts'

/** Keys that are listed at most. */
const keysMax = 10_000

/** Keys that no user means: state, other dot files, packages. */
const hidden = /(^|\/)(\.|node_modules\/)/

/** Time for which a listing serves: a plan of hundreds of nodes may find nothing for each of them. */
const keptMs = 10_000

const kept = new WeakMap<Store, { readonly keys: Promise<string[]>; readonly listedAtMs: number }>()

/** Returns no keys where the whole store may not be listed, as on Lambda: a missing hint must not hide the error itself. */
export function candidateKeys(store: Store): Promise<string[]> {
  const known = kept.get(store)
  const now = performance.now()
  if (known && now - known.listedAtMs < keptMs) return known.keys
  const keys = listKeys(store)
  kept.set(store, { keys, listedAtMs: now })
  return keys
}

async function listKeys(store: Store): Promise<string[]> {
  const keys: string[] = []
  try {
    let looked = 0
    for await (const { key } of store.list('')) {
      if (!hidden.test(key)) keys.push(key)
      if (++looked >= keysMax) break
    }
  } catch {
    return []
  }
  return keys
}
