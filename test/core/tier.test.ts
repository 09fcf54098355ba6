/** What tiers can do. */
import { describe, expect, it } from 'vitest'
import type { Slice } from '../../lib/core/plan-data.ts'
import { checkLengths, groupBytesOf } from '../../lib/core/tier.ts'
import { memberFiles, parquet } from '../../lib/define/output.ts'

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
  it('lets a member pass that ends in the time of the largest tier', () => {
    expect(() => checkLengths([stream(50e9)], { inputs, task: sql, tiers: [tier] })).not.toThrow()
  })

  it('refuses one that does not, naming it and what to do', () => {
    expect(() => checkLengths([stream(500e9)], { inputs, task: sql, tiers: [tier] })).toThrow(
      /a\.zip, member long\.csv: 500\.0 GB would take about \d+ minutes .*fanmill run/,
    )
  })

  it('refuses one that is to be extracted and is larger than the storage', () => {
    expect(() => checkLengths([stream(5e9)], { inputs, task: files, tiers: [tier] })).toThrow(
      /do not fit into the 3\.4 GB/,
    )
  })
})

describe('groupBytesOf', () => {
  it('stages what the storage holds for all threads, up to a limit', () => {
    expect(groupBytesOf({ ...tier, temporaryStorageMb: 512 })).toBeLessThan((512 << 20) / 3 / 2)
    expect(groupBytesOf({ ...tier, temporaryStorageMb: 10_240 })).toBe(256 << 20)
  })
})
