import { describe, expect, it } from 'vitest'
import { readHeader, refuseEqualNames } from '../../lib/text/csv-header.ts'
import type { Dialect } from '../../lib/text/records/dialect.ts'

const csv: Dialect = { delimiter: ',', quote: '"', escape: '"' }

describe('readHeader', () => {
  it.each([
    ['a,b\n1,2\n', {}, { names: ['a', 'b'], end: 4, line: 2, isComplete: true }],
    ['\ufeffa,"b, ""c"""\r\n1,2\n', {}, { names: ['a', 'b, "c"'], end: 17, line: 2, isComplete: true }],
    ['"a\nb",c\n', {}, { names: ['a\nb', 'c'], end: 8, line: 3, isComplete: true }],
    ['a,b', {}, { names: ['a', 'b'], end: 3, line: 1, isComplete: false }],
    ['a,b\r', {}, { names: ['a', 'b'], end: 4, line: 2, isComplete: false }],
    ['', {}, { names: [], end: 0, line: 1, isComplete: false }],
    ['t\r\nu\na,b\n', { skip: 2 }, { names: ['a', 'b'], end: 9, line: 4, isComplete: true }],
    ['t', { skip: 2 }, { names: [], end: 1, isComplete: false }],
    ['1,2\n', { header: false }, { names: [], end: 0, line: 1, isComplete: true }],
    ['t\n1,2\n', { header: false, skip: 1 }, { names: [], end: 2, line: 2, isComplete: true }],
    ['a,,b,\n', {}, { names: ['a', 'column1', 'b', 'column3'] }],
  ])('reads %j with %j', (text, options, expected) => {
    expect(readHeader(Buffer.from(text), csv, options)).toMatchObject(expected)
  })

  it('counts carriage returns in quotes as lines where carriage returns also end records', () => {
    expect(readHeader(Buffer.from('"a\rb",c\r1,2\r'), csv)).toMatchObject({ names: ['a\rb', 'c'], line: 3 })
    expect(readHeader(Buffer.from('"a\rb",c\n1,2\n'), csv)).toMatchObject({ names: ['a\rb', 'c'], line: 2 })
  })
})

describe('refuseEqualNames', () => {
  const names = ['id', 'b', 'ID', 'b']

  it('names the place and both columns in its error', () => {
    expect(() => refuseEqualNames(names, { where: 'a.csv' })).toThrow(
      expect.objectContaining({
        code: 'INPUT_INVALID',
        message: expect.stringContaining('a.csv: expected distinct column names in the header, got "b" and "b"'),
        detail: { column: 'b', same: 'b' },
      }),
    )
  })

  it('ignores columns that are not read, and compares names with their case unless ignoreCase is set', () => {
    const used = (name: string) => name === 'id'
    expect(() => refuseEqualNames(names, { where: 'a.csv', used })).not.toThrow()
    expect(() => refuseEqualNames(names, { where: 'a.csv', used, ignoreCase: true })).toThrow(
      expect.objectContaining({ detail: { column: 'ID', same: 'id' } }),
    )
  })
})
