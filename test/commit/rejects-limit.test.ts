import { describe, expect, it } from 'vitest'
import { checkRejects, rejectsAllowed } from '../../lib/commit/rejects-limit.ts'
import type { Outcome } from '../../lib/model/outcome/outcome.ts'

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

  it.each([
    ['id', 'a.zip a.csv line 3, column id: expected int32'],
    ['', 'a.zip a.csv line 3: expected int32'],
  ])('says where the first one is, by the column %j where one is at fault', (column, where) => {
    const reject = { archive: 'a.zip', member: 'a.csv', line: 3, record: 2, column, expected: 'int32', received: 'x' }
    const outcome = { rowsRejected: 2, recordsFound: 9, firstRejects: [reject] } as unknown as Outcome
    expect(() => checkRejects(1, [outcome])).toThrow(
      `expected at most 1 rejected rows of 9, got 2; first: ${where}; fix the input, or allow them with rejects: { max: 2 }`,
    )
  })

  it('has values of rows in its detail, and not in its message, which logs show', () => {
    const reject = { archive: 'a.zip', member: 'a.csv', line: 3, record: 2, column: 'id', expected: 'int32' }
    const firstRejects = [{ ...reject, received: 'private' }]
    const outcome = { rowsRejected: 2, recordsFound: 9, firstRejects } as unknown as Outcome
    const message = expect.not.stringContaining('private')
    expect(() => checkRejects(1, [outcome])).toThrow(
      expect.objectContaining({ message, detail: expect.objectContaining({ rejects: firstRejects }) }),
    )
  })
})
