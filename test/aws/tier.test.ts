/** Limits of tiers. */
import { describe, expect, it } from 'vitest'
import { batchLimits, checkLengths, groupBytesOf, modestTiers, rates } from '../../lib/aws/tier.ts'
import { memberFiles, parquet } from '../../lib/define/outputs/output.ts'
import { mapRows } from '../../lib/define/steps/steps.ts'
import { packBatches } from '../../lib/inputs/slices/plan-slices.ts'
import type { Slice } from '../../lib/model/plan-data.ts'

const tier = { memoryMb: 5307, threads: 3, temporaryStorageMb: 4096 }
const inputs = [{ key: 'a.zip', sizeBytes: 1, etag: '', identity: '' }]
const sql = { name: 't', transform: [], output: parquet({ path: 't' }) }
const files = { name: 't', transform: [], output: memberFiles({ path: 't' }) }
const stream = (bytes: number): Slice => ({
  kind: 'stream',
  slice: 0,
  input: 0,
  bytes,
  member: { name: 'long.csv', headerOffset: 0, compressedBytes: bytes / 5, inflatedBytes: bytes, crc32: 0, method: 8 },
})

describe('checkLengths', () => {
  it('accepts a member that the largest tier can finish', () => {
    expect(() => checkLengths([stream(50e9)], { inputs, task: sql, tiers: [tier] })).not.toThrow()
  })

  it('refuses a longer member with its name and advice', () => {
    expect(() => checkLengths([stream(500e9)], { inputs, task: sql, tiers: [tier] })).toThrow(
      /a\.zip, member long\.csv: 500\.0 GB would take about \d+ minutes .*fanmill run/,
    )
  })

  it('refuses a member to extract that is larger than the storage', () => {
    expect(() => checkLengths([stream(5e9)], { inputs, task: files, tiers: [tier] })).toThrow(
      /do not fit into the 3\.4 GB/,
    )
  })
})

describe('a shorter time limit', () => {
  it('refuses a member that needs more time, although 15 minutes would do, with advice', () => {
    const given = { inputs, task: sql, tiers: [tier] }
    expect(() => checkLengths([stream(10e9)], given)).not.toThrow()
    expect(() => checkLengths([stream(10e9)], { ...given, timeoutSeconds: 30 })).toThrow(
      /about \d+ seconds on the largest tier, and a function ends after 30 seconds; give a longer functionTimeout, run it/,
    )
  })

  it('makes smaller batches, which end in half of the time', () => {
    const slow = { transform: [mapRows((row: object) => row)] }
    const { batchBytes } = batchLimits(slow, tier, { timeoutSeconds: 30 })
    expect(batchBytes / (rates.mapped * 3)).toBeLessThan(15)
    expect(batchLimits(slow, tier).batchBytes).toBe(3 * groupBytesOf(tier))
  })
})

describe('batches of small objects', () => {
  const objects = (count: number, bytes: number): Slice[] =>
    Array.from({ length: count }, (_, slice) => ({ kind: 'file', slice, input: slice, bytes }))
  const [modest] = modestTiers
  /** Assumes 30 ms for each request, and two requests in flight for each thread. */
  const secondsOf = (batch: readonly Slice[]): number => (batch.length * 0.03) / (2 * modest.threads)

  it.each([
    [200_000, 2000],
    [558_000, 66_000],
    [50_000, 0],
  ])('of %i objects with %i bytes need half a minute for their requests', (count, bytes) => {
    const batches = packBatches(objects(count, bytes), batchLimits(sql, modest))
    expect(Math.max(...batches.map(secondsOf))).toBeLessThan(31)
    expect(batches.length).toBeLessThan(count / 3000)
  })

  it('are shorter when the timeout of functions is shorter', () => {
    const batches = packBatches(objects(20_000, 2000), batchLimits(sql, modest, { timeoutSeconds: 30 }))
    expect(Math.max(...batches.map(secondsOf))).toBeLessThan(15)
  })

  it('are not limited by requests that read much', () => {
    const slices = objects(32, 32 * 1024 * 1024)
    expect(packBatches(slices, batchLimits(sql, modest))).toHaveLength(2)
  })
})

describe('groupBytesOf', () => {
  it('is what the storage has room for with all threads, up to a limit', () => {
    expect(groupBytesOf({ ...tier, temporaryStorageMb: 512 })).toBeLessThan((512 << 20) / 3 / 2)
    expect(groupBytesOf({ ...tier, temporaryStorageMb: 10_240 })).toBe(256 << 20)
  })
})
