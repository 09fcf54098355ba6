/** Opens a store from a description that can cross threads and processes. */

import { diskStore } from './disk/store.ts'
import type { S3StoreSpec } from './s3/access.ts'
import { type S3StoreOptions, s3Store } from './s3/store.ts'
import type { Store } from './store.ts'

/** Where a store is, as plain data. */
export type StoreSpec = DiskStoreSpec | S3StoreSpec

export interface DiskStoreSpec {
  readonly kind: 'disk'
  /** Path of the root; relative to the working directory, so better absolute. */
  readonly folder: string
}

/** The store that a spec describes, nothing read or made yet; or the very store that a test gives. */
export function openStore(spec: StoreSpec | Store, options: Pick<S3StoreOptions, 'refusedUntilMs'> = {}): Store {
  if (!('kind' in spec)) return spec
  return spec.kind === 's3' ? s3Store(spec, options) : diskStore(spec.folder)
}
