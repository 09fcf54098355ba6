/** Fingerprints the content of an object. */
import { ReusedBuffer } from '../store/reused-buffer.ts'
import { type Store, type StoredObject, smallFileBytes } from '../store/store.ts'
import { createFingerprint } from './fingerprint.ts'

/** Fingerprint of an object's bytes. */
export async function contentHash(store: Store, { key, etag, sizeBytes }: StoredObject): Promise<string> {
  const fingerprint = createFingerprint()
  if (store.readNow && sizeBytes <= smallFileBytes) {
    fingerprint.update(store.readNow(key, { etag }))
    return fingerprint.digest()
  }
  const { take: into } = new ReusedBuffer()
  for await (const bytes of store.stream(key, { etag, into })) fingerprint.update(bytes)
  return fingerprint.digest()
}
