/** Fingerprints the content of an object. */
import { ReusedBuffer } from '../../store/reused-buffer.ts'
import type { Store, StoredObject } from '../../store/store.ts'
import { createFingerprint } from './fingerprint.ts'

/** Fingerprint of an object's bytes. */
export async function contentHash(store: Store, { key, etag }: StoredObject): Promise<string> {
  const fingerprint = createFingerprint()
  if (store.scan) await store.scan(key, { etag }, fingerprint.update)
  else {
    const { take: into } = new ReusedBuffer()
    for await (const bytes of store.stream(key, { etag, into })) fingerprint.update(bytes)
  }
  return fingerprint.digest()
}
