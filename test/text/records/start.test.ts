import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../lib/text/records/dialect.ts'
import { scanRecords } from '../../../lib/text/records/records.ts'
import { recordStartSearch } from '../../../lib/text/records/start.ts'

const csv: Dialect = { delimiter: ',', quote: '"', escape: '"' }

/** Returns every offset at which a record begins. */
function startsOf(bytes: Uint8Array): Set<number> {
  const starts = new Set<number>()
  for (let at = 1; at <= bytes.length; at++) {
    const { endsInsideQuote, endsWithNewline } = scanRecords(bytes.subarray(0, at), csv)
    if (!endsInsideQuote && endsWithNewline) starts.add(at)
  }
  return starts
}

/** Returns the share of offsets from which the guess is right. */
function rightShare(rows: readonly string[], columnCount: number): number {
  const bytes = Buffer.from(`${rows.join('\n')}\n`)
  const starts = startsOf(bytes)
  const offsets = Array.from({ length: bytes.length >> 1 }, (_, offset) => offset)
  return (
    offsets.filter(offset => starts.has(offset + recordStartSearch(csv, columnCount)(bytes.subarray(offset)))).length /
    offsets.length
  )
}

describe('recordStartSearch', () => {
  it('finds the next line where nothing is quoted', () => {
    expect(
      rightShare(
        Array.from({ length: 40 }, (_, row) => `${row},abc,${row * 7}`),
        3,
      ),
    ).toBe(1)
  })

  it('is right from nearly every offset in a text full of quoted newlines and delimiters', () => {
    const row = (n: number): string => (n % 3 === 0 ? `${n},"line\nother, line\n\n""x""",${n}` : `${n},"a, b",${n}`)
    expect(
      rightShare(
        Array.from({ length: 60 }, (_, n) => row(n)),
        3,
      ),
    ).toBeGreaterThan(0.97)
  })

  it('recognises the inside of a quoted field that contains a whole table', () => {
    const table = Array.from({ length: 20 }, (_, n) => `${n};${n}`).join('\n')
    expect(
      rightShare(
        Array.from({ length: 5 }, (_, n) => `${n},"${table}",x`),
        3,
      ),
    ).toBeGreaterThan(0.97)
  })

  it('returns -1 when no record begins', () => {
    expect(recordStartSearch(csv, 2)(Buffer.from('abc,def'))).toBe(-1)
  })

  it('reads beyond its window to find the end of a longer record', () => {
    const long = `${'x'.repeat(300_000)},1\n`
    expect(recordStartSearch(csv, 2)(Buffer.from(`${long}2,3\n4,5\n`))).toBe(long.length)
  })

  it.each([csv, { ...csv, quote: '', escape: '' }])('continues where it was when more bytes arrive', dialect => {
    const long = `${'x'.repeat(300_000)},1\n`
    const bytes = Buffer.from(`${long}2,3\n4,5\n`)
    const search = recordStartSearch(dialect, 2)
    for (const end of [10, 100_000, 262_145, 300_001]) expect(search(bytes.subarray(0, end))).toBe(-1)
    expect(search(bytes)).toBe(long.length)
  })
})
