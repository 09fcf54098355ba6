/** 128 bits that tell contents apart, at the speed of memory: a file is read for them before every first run. */
import { createCipheriv, createSecretKey } from 'node:crypto'

export interface Fingerprint {
  /** The next bytes; how a content is cut into pieces makes no difference. */
  update(bytes: Uint8Array): void
  /** 32 hexadecimal digits; once. */
  digest(): string
}

/** Made once: of a buffer a key is made each time, which takes four times as long as the rest for a small file. */
const key = createSecretKey(Buffer.alloc(16))

/**
 * GHASH of the bytes under a fixed key (NIST SP 800-38D: GMAC), three times as fast as SHA-256. Different contents have the
 * same one with a chance of about 2^-100 at a gigabyte; whoever wants two files of one fingerprint can make them, and gains nothing.
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
