/** Computes 128 bits that differ for different contents, at the speed of memory: every file is read for them before its first run. */

import { createCipheriv, createSecretKey } from 'node:crypto'
import { ReusedBuffer } from '../../store/reused-buffer.ts'
import type { Store, StoredObject } from '../../store/store.ts'

export interface Fingerprint {
  /** Adds the next bytes. How a content is cut into pieces makes no difference. */
  update(bytes: Uint8Array): void
  /** Returns 32 hexadecimal digits; may be called once. */
  digest(): string
}

/** A key object that is made once: making one from a buffer takes four times as long as the rest for a small file. */
const key = createSecretKey(Buffer.alloc(16))

/**
 * Returns a fingerprint: GHASH under a fixed key (NIST SP 800-38D: GMAC), three times as fast as SHA-256. Different contents have
 * the same one with a chance of about 2^-100 at a gigabyte. Two files of one fingerprint can be made on purpose, but gain nothing.
 */
export function createFingerprint(): Fingerprint {
  const cipher = createCipheriv('aes-128-gcm', key, Buffer.alloc(12))
  return {
    update(bytes) {
      cipher.setAAD(bytes)
    },
    digest() {
      cipher.final()
      return cipher.getAuthTag().toString('hex')
    },
  }
}

/** Returns the fingerprint of an object's bytes. */
export async function contentHash(store: Store, { key, etag }: StoredObject): Promise<string> {
  const fingerprint = createFingerprint()
  if (store.scan) await store.scan(key, { etag }, fingerprint.update)
  else {
    const { take: into } = new ReusedBuffer()
    for await (const bytes of store.stream(key, { etag, into })) fingerprint.update(bytes)
  }
  return fingerprint.digest()
}
