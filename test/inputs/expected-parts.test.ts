/** Estimates of parts, before anything is read. */
import { describe, expect, it } from 'vitest'
import { csv, files, memberFiles, parquet, parquetFiles } from '../../lib/define/index.ts'
import { expectedParts } from '../../lib/inputs/slices/expected-parts.ts'
import type { Slice } from '../../lib/model/plan-data.ts'

const mebibyte = 1024 * 1024
const options = { threads: 2, groupBytes: 256 * mebibyte }
const text = { source: files({ paths: '*.csv', format: csv() }), output: parquet({ path: 't' }) }
const slices = (count: number, bytes: number): Slice[] =>
  Array.from({ length: count }, (_, slice) => ({ kind: 'file', slice, input: slice, bytes }))

describe('expected parts', () => {
  it('are one for each thread while its text fits into one group', () => {
    expect(expectedParts(text, [slices(16, 32 * mebibyte)], options).count).toBe(2)
  })

  it('are one for each group beyond that', () => {
    expect(expectedParts(text, [slices(64, 32 * mebibyte)], options).count).toBe(8)
  })

  it('are joined within a batch, not across batches, when they are small', () => {
    expect(expectedParts(text, [slices(4, mebibyte), slices(4, mebibyte)], options).count).toBe(2)
  })

  it('are as large as the input for Parquet, and a fraction of it for text', () => {
    const source = files({ paths: '*.parquet', format: parquetFiles() })
    expect(expectedParts({ ...text, source }, [slices(1, 9 * mebibyte)], options).bytes).toBe(9 * mebibyte)
    expect(expectedParts(text, [slices(1, 9 * mebibyte)], options).bytes).toBe(2 * mebibyte)
  })

  it('are none when members are extracted', () => {
    const output = memberFiles({ path: 't' })
    expect(expectedParts({ ...text, output }, [slices(4, mebibyte)], options)).toEqual({ count: 0, bytes: 0 })
  })
})
