/** Opens a store from a description that can cross threads and processes. */
import type { Store } from '../core/store.ts'
import { diskStore } from './disk-store.ts'

/** Where a store is, as plain data. */
export type StoreSpec = DiskStoreSpec

export interface DiskStoreSpec {
  readonly kind: 'disk'
  /** Path of the root; relative to the working directory, so better absolute. */
  readonly folder: string
}

/** The store that a spec describes; nothing is read or made yet. */
export function openStore(spec: StoreSpec): Store {
  return diskStore(spec.folder)
}
