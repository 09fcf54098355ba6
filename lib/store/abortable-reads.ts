/** Ends the reads of a store when a run is stopped: a listing may take minutes, and so may a store that does not answer. */
import type { FolderListOptions, ReadOptions, Store } from './store.ts'
import { withMethods } from './with-methods.ts'

/** Returns the same store, whose listings and reads end with ABORTED after the signal. */
export function abortableReads(store: Store, signal: AbortSignal | undefined): Store {
  if (!signal) return store
  const scan = store.scan?.bind(store)
  const reads: Partial<Store> = {
    stat: key => store.stat(key, signal),
    list: prefix => store.list(prefix, signal),
    listFolders: (prefix, options?: FolderListOptions) => store.listFolders(prefix, { ...options, signal }),
    read: (key, options?: ReadOptions) => store.read(key, { ...options, signal }),
    stream: (key, options?: ReadOptions) => store.stream(key, { ...options, signal }),
    scan: scan && ((key, options, use) => scan(key, { ...options, signal }, use)),
  }
  return withMethods(store, reads)
}
