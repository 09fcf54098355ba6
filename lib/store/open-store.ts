/** Opens a store from plain data, which can be sent to threads and processes. */

import { diskStore } from './disk/store.ts'
import type { S3StoreSpec } from './s3/access.ts'
import type { RetryPolicy } from './s3/retry.ts'
import { s3Store } from './s3/store.ts'
import type { Store } from './store.ts'

/** Address of a store, as plain data. */
export type StoreSpec = DiskStoreSpec | S3StoreSpec

export interface DiskStoreSpec {
  readonly kind: 'disk'
  /** Path of the root folder; a relative path depends on the working directory. */
  readonly folder: string
}

/** Opens the store of a spec without any request; a store, as tests pass it, is returned unchanged. */
export function openStore(spec: StoreSpec | Store, retry: Partial<RetryPolicy> = {}): Store {
  if (!('kind' in spec)) return spec
  return spec.kind === 's3' ? s3Store(spec, retry) : diskStore(spec.folder)
}
