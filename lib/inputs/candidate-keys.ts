/** Lists keys, from which an error names those nearest to a missing one. */
import type { Store } from '../store/store.ts'

/** Keys that are listed at most. */
const keysMax = 10_000

/** Keys that no user means: state, other dot files, packages. */
const hidden = /(^|\/)(\.|node_modules\/)/

/** Returns no keys where the whole store may not be listed, as on Lambda: a missing hint must not hide the error itself. */
export async function candidateKeys(store: Store): Promise<string[]> {
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
