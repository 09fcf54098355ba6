/** Keys to find the nearest of, when one is not there. */
import type { Store } from '../store/store.ts'

/** Keys looked through. */
const keysMax = 10_000

/** What nobody means: state, other dot files, packages. */
const hidden = /(^|\/)(\.|node_modules\/)/

/** None where the whole store may not be listed, as on Lambda: a hint never stands in place of what is wrong. */
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
