import { describe, expect, it } from 'vitest'
import { createFingerprint } from '../../lib/inputs/identity/fingerprint.ts'

describe('the fingerprint of a content', () => {
  it('is the GMAC of NIST SP 800-38D, test case 1, for an empty content', () => {
    expect(of()).toBe('58e2fccefa7e3061367f1d57a4e7455a')
  })

  it('is the same however the bytes are cut into pieces', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251)
    for (const at of [1, 15, 16, 17, 500, 999]) expect(of(bytes.subarray(0, at), bytes.subarray(at))).toBe(of(bytes))
  })

  it('differs when any bit, the length or the order of blocks differs', () => {
    const bytes = new Uint8Array(100)
    const found = new Set([of(bytes), of(new Uint8Array(101)), of(new Uint8Array(99))])
    for (let bit = 0; bit < 800; bit++) {
      const other = bytes.slice()
      other[bit >> 3] = 1 << (bit & 7)
      found.add(of(other))
    }
    expect(found.size).toBe(803)
    const [a, b] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
    expect(of(a, b)).not.toBe(of(b, a))
  })
})

function of(...pieces: Uint8Array[]): string {
  const fingerprint = createFingerprint()
  for (const piece of pieces) fingerprint.update(piece)
  return fingerprint.digest()
}
