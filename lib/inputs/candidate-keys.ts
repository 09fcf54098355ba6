/** Lists keys, from which an error names those nearest to a missing one. */
import type { Store } from '../store/store.ts'

/** Keys that are returned at most, and keys that are looked at: a project may have tens of thousands in node_modules. */
const keysMax = 10_000
const lookedMax = 100_000

/** Keys that no user means: state, other dot files, packages. */
const hidden = /(^|\/)(\.|node_modules\/)/

const listed = new WeakMap<Store, Promise<string[]>>()

/**
 * Returns keys as they were when they were first needed: a plan of hundreds of nodes may find nothing for each of them. Returns none where
 * the whole store may not be listed, as on Lambda: a missing hint must not hide the error itself.
 */
export function candidateKeys(store: Store): Promise<string[]> {
  const keys = listed.get(store) ?? listKeys(store)
  listed.set(store, keys)
  return keys
}

async function listKeys(store: Store): Promise<string[]> {
  const keys: string[] = []
  try {
    let looked = 0
    for await (const { key } of store.list('')) {
      if (!hidden.test(key)) keys.push(key)
      if (keys.length >= keysMax || ++looked >= lookedMax) break
    }
  } catch {
    return []
  }
  return keys
}
