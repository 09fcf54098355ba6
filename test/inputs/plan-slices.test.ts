import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinOf } from '../../lib/index.ts'
import type { FindOptions, FoundObjects } from '../../lib/inputs/find-options.ts'
import { wholeSide } from '../../lib/inputs/joins/cut-whole-side.ts'
import { cutInputs, type SlicePlace } from '../../lib/inputs/slices/cut-inputs.ts'
import { planMemberSlices } from '../../lib/inputs/slices/member-slices.ts'
import { packBatches, planRangeSlices, skew, splitShares } from '../../lib/inputs/slices/plan-slices.ts'
import type { MembersSlice, Slice } from '../../lib/model/plan-data.ts'
import type { PlannableMember } from '../../lib/zip/member-list.ts'
import { packMembers, unpackMembers } from '../../lib/zip/member-rows.ts'

/** Members one after another, each with an optional hole before it. */
function lay(members: readonly { readonly bytes: number; readonly hole?: number }[]): PlannableMember[] {
  let at = 0
  return members.map(({ bytes, hole = 0 }, index) => {
    const headerOffset = at + hole
    at = headerOffset + 40 + bytes
    return {
      name: `${index}.csv`,
      headerOffset,
      endOffset: at,
      compressedBytes: bytes,
      inflatedBytes: bytes,
      crc32: 0,
      method: 0,
    }
  })
}

const namesOf = (slices: readonly Slice[]) =>
  slices.map(slice => (slice.kind === 'members' ? unpackMembers(slice).map(member => member.name) : []))

describe('planMemberSlices', () => {
  it('serves adjacent members with one range, from the first header to the end of the last', () => {
    const members = lay([{ bytes: 100 }, { bytes: 200 }])
    expect(planMemberSlices(members, { input: 3, firstSlice: 7 })).toEqual([
      {
        kind: 'members',
        slice: 7,
        input: 3,
        range: { start: 0, end: 380 },
        memberCount: 2,
        members: packMembers(members),
        bytes: 300,
      },
    ])
  })

  it('cuts at a gap wider than gapBytes, and reads over a narrower one', () => {
    const members = lay([{ bytes: 10 }, { bytes: 10, hole: 100 }, { bytes: 10, hole: 101 }])
    expect(namesOf(planMemberSlices(members, { input: 0, gapBytes: 100 }))).toEqual([['0.csv', '1.csv'], ['2.csv']])
  })

  it('streams a member above the limit in a slice of its own', () => {
    const members = lay([{ bytes: 10 }, { bytes: 1001 }, { bytes: 1000 }])
    const slices = planMemberSlices(members, { input: 0, streamBytes: 1000 })
    expect(slices.map(({ kind, slice, bytes }) => [kind, slice, bytes])).toEqual([
      ['members', 0, 10],
      ['stream', 1, 1001],
      ['members', 2, 1000],
    ])
  })

  it('streams a member with many compressed bytes, whatever inflated size it declares', () => {
    const [member] = lay([{ bytes: 5000 }])
    const slices = planMemberSlices([{ ...member!, inflatedBytes: 1 }], { input: 0, streamBytes: 1000 })
    expect(slices.map(slice => slice.kind)).toEqual(['stream'])
  })

  it('balances slices, without a small last one', () => {
    const slices = planMemberSlices(lay(Array(110).fill({ bytes: 100_000 })), { input: 0, sliceBytes: 5_200_000 })
    expect(slices.map(slice => slice.bytes)).toEqual([3_700_000, 3_600_000, 3_700_000])
  })

  it('spreads many tiny members over more than one slice', () => {
    expect(planMemberSlices(lay(Array(20_000).fill({ bytes: 1 })), { input: 0 }).length).toBeGreaterThan(1)
  })

  it('cuts a slice whose gaps would make its read too large', () => {
    const members = lay(Array(100).fill({ bytes: 10, hole: 1000 }))
    const slices = planMemberSlices(members, { input: 0, sliceBytes: 5_000, streamBytes: 5_000 })
    for (const slice of slices as readonly MembersSlice[]) {
      expect(slice.range.end - slice.range.start).toBeLessThanOrEqual(10_000)
    }
  })

  it('plans every member exactly once, in archive order and in ranges that do not overlap, for members in any order', () => {
    const layout = fc.array(fc.record({ bytes: fc.nat(5000), hole: fc.nat(400) }), { maxLength: 60 })
    fc.assert(
      fc.property(layout, fc.integer({ min: 1, max: 20_000 }), fc.nat(300), (layout, sliceBytes, gapBytes) => {
        const options = { input: 0, sliceBytes, gapBytes, streamBytes: 4000 }
        const members = lay(layout)
        const slices = planMemberSlices(members, options)
        const planned = slices.flatMap(slice => (slice.kind === 'members' ? unpackMembers(slice) : [slice.member!]))
        expect(planned.map(member => member.name)).toEqual(members.map(member => member.name))
        expect(slices.map(slice => slice.slice)).toEqual(slices.map((_, index) => index))
        expect(planMemberSlices(members.toReversed(), options)).toEqual(slices)
        let end = 0
        for (const slice of slices) {
          if (slice.kind !== 'members') continue
          expect(slice.range.start).toBeGreaterThanOrEqual(end)
          end = slice.range.end
        }
      }),
    )
  })
})

describe('planRangeSlices', () => {
  it('splits a file into equal ranges that cover it', () => {
    const slices = planRangeSlices({ input: 1, sizeBytes: 1000, firstSlice: 4, sliceBytes: 400 })
    expect(slices.map(({ slice, range }) => [slice, range.start, range.end])).toEqual([
      [4, 0, 333],
      [5, 333, 666],
      [6, 666, 1000],
    ])
  })

  it('plans nothing for an empty file', () => {
    expect(planRangeSlices({ input: 0, sizeBytes: 0 })).toEqual([])
  })
})

describe('cutInputs', () => {
  it('cuts an input into the same number of slices for each thread, however large it is', () => {
    for (const mebibytes of [1, 7, 90, 170, 515, 1700])
      for (const threads of [1, 2, 3, 8]) {
        const bytes = mebibytes * 2 ** 20 + 1
        const file = { key: 'a.csv', sizeBytes: bytes, etag: '1', identity: '1' }
        const cut = (_: unknown, place: SlicePlace) => planRangeSlices({ ...place, sizeBytes: bytes })
        const slices = cutInputs([file], cut, bytes, { threads } as FindOptions)
        const isLarge = bytes > threads * 4 * 2 ** 20
        if (isLarge) expect(slices.length % threads).toBe(0)
        for (const slice of slices) expect(slice.bytes).toBeLessThanOrEqual(32 * 2 ** 20)
      }
  })
})

describe('packing', () => {
  it('counts tiny members as work, so that a million of them are not one batch', () => {
    const slices = planMemberSlices(lay(Array(20_000).fill({ bytes: 1 })), { input: 0, sliceBytes: 2048 * 1000 })
    expect(packBatches(slices, { batchBytes: 2049 * 5000 })).toHaveLength(4)
    expect(
      packBatches(
        slices.map(({ bytes, slice }) => ({ bytes, slice })),
        { batchBytes: 2049 * 5000 },
      ),
    ).toHaveLength(1)
  })

  const slicesOf = (...bytes: number[]) => bytes.map((each, slice) => ({ slice, bytes: each }))

  it('packs the largest first, each into the lightest batch', () => {
    const batches = packBatches(slicesOf(1, 2, 3, 4, 5, 6, 7), { batchBytes: 14 })
    expect(batches.map(batch => batch.map(slice => slice.bytes))).toEqual([
      [3, 4, 7],
      [1, 2, 5, 6],
    ])
  })

  it('packs neighbouring values into batches, so that rows stay in the order of the values', () => {
    const values = Array.from({ length: 7 }, (_, slice) => ({ kind: 'item', slice, input: slice, bytes: 2 }) as const)
    const batches = packBatches(values, { batchBytes: 5 })
    expect(batches.map(batch => batch.map(({ slice }) => slice))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5, 6],
    ])
  })

  it('keeps neighbouring ranges of a text together, up to a quarter of a batch', () => {
    const ranges = planRangeSlices({ input: 0, sizeBytes: 64, sliceBytes: 2 })
    const batches = packBatches(ranges, { batchBytes: 32 })
    expect(batches.map(batch => batch.map(({ slice }) => slice))).toEqual([
      [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27],
      [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31],
    ])
    expect(packBatches(ranges, { batchBytes: 2 })).toHaveLength(32)
  })

  it('leaves no share empty', () => {
    expect(splitShares(slicesOf(5, 5), 8)).toHaveLength(2)
    expect(splitShares(slicesOf(0, 0, 0, 0), 2).map(share => share.length)).toEqual([2, 2])
    expect(splitShares([], 2)).toEqual([])
    expect(packBatches([], { batchBytes: 10 })).toEqual([])
  })

  it('puts every slice into one share, in slice order, for slices in any order; no share exceeds the mean by more than a slice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000)), fc.integer({ min: 1, max: 8 }), (bytes, count) => {
        const slices = slicesOf(...bytes)
        const shares = splitShares(slices, count)
        expect(shares.flat().toSorted((a, b) => a.slice - b.slice)).toEqual(slices)
        for (const share of shares) expect(share).toEqual(share.toSorted((a, b) => a.slice - b.slice))
        expect(splitShares(slices.toReversed(), count)).toEqual(shares)
        const sums = shares.map(share => share.reduce((sum, slice) => sum + slice.bytes, 0))
        const total = bytes.reduce((sum, each) => sum + each, 0)
        expect(Math.max(0, ...sums)).toBeLessThanOrEqual(total / count + Math.max(0, ...bytes))
      }),
    )
  })

  it('measures skew as the largest slice over the mean', () => {
    expect(skew(slicesOf(10, 10, 10))).toBe(1)
    expect(skew(slicesOf(30, 10, 20))).toBe(1.5)
    expect(skew([])).toBe(1)
  })
})

describe('wholeSide', () => {
  /** A dataset of parts with as many rows each, and as many columns. */
  const dataset = ({ parts = 10, rows = 1000, columns = 4, bytes = 100_000_000 } = {}) => {
    const all = Array.from({ length: parts }, (_, at) => ({ key: `${at}.parquet`, runId: 'a', rows, bytes: 1000 }))
    const schema = Array.from({ length: columns }, (_, at) => ({ name: `c${at}`, type: 'INTEGER', nullable: true }))
    return { parts: () => all, dataset: schema, bytes } as unknown as FoundObjects
  }
  const side = { path: 'a', root: 'output' } as const
  const source = joinOf({ left: side, right: side }, { on: ['c0'], how: 'left', prefix: 'r_' })
  const small = { parts: 1, bytes: 1000 }

  it.each([
    ['reads a side of few bytes and rows whole', dataset(), dataset({ ...small, rows: 1_000_000 }), 'right'],
    ['exchanges a side of few bytes and very many rows', dataset(), dataset({ ...small, rows: 1_000_001 }), undefined],
    ['reads it whole for many parts of few columns', dataset({ parts: 100_000 }), dataset(small), 'right'],
    [
      'exchanges it for many parts of many columns, which each slice would name',
      dataset({ parts: 100_000, columns: 300 }),
      dataset(small),
      undefined,
    ],
  ])('%s', (_, left, right, expected) => {
    expect(wholeSide(source, [left, right])).toBe(expected)
  })
})
