import fc from 'fast-check'
import { expect, it } from 'vitest'
import { HashNumbers } from '../../../lib/engine/write/hash-numbers.ts'

it('numbers hashes in the order of their first appearance, also hashes that are equal in one half', () => {
  const half = fc.oneof(fc.nat(7), fc.integer())
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 400 }), hashes => {
      const numbers = new HashNumbers()
      const expected = new Map<string, number>()
      const words = Int32Array.from(hashes.flat())
      const out = new Int32Array(hashes.length)
      numbers.number(words, out, (low, high, row) => {
        expect([low, high]).toEqual(hashes[row])
        expect(expected.has(`${low} ${high}`)).toBe(false)
        expected.set(`${low} ${high}`, expected.size)
      })
      expect(numbers.count).toBe(expected.size)
      expect([...out]).toEqual(hashes.map(([low, high]) => expected.get(`${low} ${high}`)))
    }),
  )
})
