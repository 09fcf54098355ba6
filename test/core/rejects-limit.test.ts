import { describe, expect, it } from 'vitest'
import { rejectsAllowed } from '../../lib/core/rejects-limit.ts'

describe('the limit of rejects', () => {
  it.each([
    [0, 1000, 0],
    [5, 3, 5],
    ['1%', 1000, 10],
    ['1%', 99, 0],
    ['0.1%', 1000, 1],
    ['0.5%', 3_000_000, 15_000],
    ['29%', 100, 29],
    ['100%', 7, 7],
  ] as const)('allows for %s of %i records %i', (limit, records, allowed) => {
    expect(rejectsAllowed(limit, records)).toBe(allowed)
  })
})
