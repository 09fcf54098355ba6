/** Replaces methods of a store. */
import type { Store } from './store.ts'

/** Returns the same store with other methods, of which undefined ones are those of the store. */
export function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(_, name: keyof Store) {
      const value = methods[name] ?? store[name]
      // A store has private fields, which a proxy has not.
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
}
