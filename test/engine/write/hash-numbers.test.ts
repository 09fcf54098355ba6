import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HashNumbers } from '../../../lib/engine/write/hash-numbers.ts'

it('numbers hashes in the order of their first appearance, also hashes that are equal in one half', () => {
  const half = fc.oneof(fc.nat(7), fc.nat(0xffffffff))
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 400 }), hashes => {
      const numbers = new HashNumbers()
      const expected = new Map<string, number>()
      for (const [low, high] of hashes) {
        const known = expected.get(`${low} ${high}`)
        expect(numbers.find(low, high)).toBe(known)
        if (known !== undefined) continue
        expect(numbers.add(low, high)).toBe(expected.size)
        expected.set(`${low} ${high}`, expected.size)
      }
      expect(numbers.count).toBe(expected.size)
    }),
  )
})
