/** Whether the rows of a slice are aggregated before they are exchanged. */
import { expect, it } from 'vitest'
import { keysPerRow } from '../../../lib/engine/keyed/rare-keys.ts'

it('estimates the keys of a slice from those of a sample', () => {
  // A thousand keys, which a sample shows whole.
  expect(keysPerRow({ rows: 100_000, keys: 1000 }, 10_000_000)).toBeCloseTo(0.0001, 5)
  // Ten million keys: a sample of 122,880 rows has about 755 rows of keys that it has already.
  expect(keysPerRow({ rows: 122_880, keys: 122_880 - 755 }, 5_000_000)).toBeCloseTo(0.787, 2)
  // A hundred thousand keys repeat in a long slice, though few repeat in a sample.
  expect(keysPerRow({ rows: 20_000, keys: 18_127 }, 2_000_000)).toBeCloseTo(0.05, 2)
  expect(keysPerRow({ rows: 1000, keys: 1000 }, 1_000_000)).toBeGreaterThan(0.99)
  expect(keysPerRow({ rows: 300, keys: 120 }, 300)).toBeCloseTo(0.4, 5)
})
