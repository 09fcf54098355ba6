import { expect, it } from 'vitest'
import { addPartition, createPartitionSet } from '../../lib/paths/partition-set.ts'

it('counts each partition once, and notices more than the limit', () => {
  const set = createPartitionSet(100) as SharedArrayBuffer
  const counts = Array.from({ length: 100 }, (_, n) => addPartition(set, n % 10, Math.floor(n / 10)))
  expect(counts).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  expect(addPartition(set, 3, 3)).toBe(100)
  expect(addPartition(set, 11, 11)).toBe(101)
})

it('counts a hash of zero like any other', () => {
  const set = createPartitionSet(1) as SharedArrayBuffer
  expect([addPartition(set, 0, 0), addPartition(set, 0, 0)]).toEqual([1, 1])
})

it('does not change any more when it is nearly full, so that adding always ends', () => {
  const set = createPartitionSet(1) as SharedArrayBuffer
  for (let n = 1; n < 1000; n++) addPartition(set, n, n)
  expect(addPartition(set, 7, 0)).toBeGreaterThan(1)
})

it('is not made for a limit that needs too much shared memory', () => {
  expect(createPartitionSet(1e9)).toBeUndefined()
})
