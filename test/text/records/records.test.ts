import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineDelimiter } from '../../../lib/define/formats/format-kind.ts'
import type { Dialect } from '../../../lib/text/records/dialect.ts'
import { RecordMachine } from '../../../lib/text/records/machine.ts'
import { createRecordCutter, recordEndSearch, scanRecords } from '../../../lib/text/records/records.ts'

const csv: Dialect = { delimiter: ',', quote: '"', escape: '"' }
const lines: Dialect = { delimiter: lineDelimiter, quote: '', escape: '' }

const pieces = ['a', 'é', ',', '"', '"', '""', ',"', '",', '\n', '\r\n', '\r', ' ', '\n\n', '|', '\\', '#']
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map(parts => Buffer.from(parts.join('')))
const dialect = fc.constantFrom<Dialect>(
  csv,
  lines,
  { ...csv, delimiter: '||' },
  { ...csv, escape: '\\' },
  { ...csv, comment: '#' },
)

/** Cuts the bytes into chunks of at most these lengths. */
function chunksOf(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1
    chunks.push(bytes.slice(at, at + length))
    at += length
  }
  return chunks
}

describe('scanRecords', () => {
  const scan = (value: string, given = csv) => scanRecords(Buffer.from(value), given)

  it('counts no records in an empty text', () => {
    expect(scan('')).toMatchObject({ records: 0, lines: 0, blankLines: 0, newline: 'none', endsWithNewline: false })
  })

  it('counts records, blank lines and physical lines', () => {
    expect(scan('1,2\n\n"3\n3",4\n\n')).toMatchObject({
      records: 2,
      lines: 5,
      blankLines: 2,
      newline: 'lf',
      endsWithNewline: true,
    })
    expect(scan('1,2\n3,4')).toMatchObject({ records: 2, lines: 2, endsWithNewline: false, endsInsideQuote: false })
  })

  it('opens a quote only at the beginning of a field', () => {
    expect(scan('a"b\nc"d\n').records).toBe(2)
    expect(scan('1,"b\nc"\n').records).toBe(1)
    expect(scan('1, "b\nc"\n').records).toBe(1)
    expect(scan('1,  "b\nc"\n').records).toBe(2)
  })

  it('reports a text that ends inside quotes', () => {
    expect(scan('1,"2\n3,4\n')).toMatchObject({ records: 1, endsInsideQuote: true, endsWithNewline: false })
    expect(scan('1,"2\n3,4""\n')).toMatchObject({ endsInsideQuote: true })
    expect(scan('1,"2\n3,4""')).toMatchObject({ endsInsideQuote: true })
    expect(scan('1,"2"')).toMatchObject({ endsInsideQuote: false })
  })

  it.each([
    ['1\n2\n', 'lf'],
    ['1\r\n2\r\n', 'crlf'],
    ['1\r2\r', 'cr'],
    ['1\r\n2\n', 'mixed'],
    ['1\n2\r3\n', 'mixed'],
    ['1', 'none'],
    ['"1\r\n1",2\n', 'lf'],
    ['"1\n1",2\r\n', 'crlf'],
  ])('knows the newlines outside quotes of %j', (value, newline) => {
    expect(scan(value).newline).toBe(newline)
  })

  it('counts every line that is not blank in a dialect without quotes', () => {
    expect(scan('"a\nb"\n\n  \n', lines)).toMatchObject({ records: 3, blankLines: 1 })
  })

  it('skips comments, also with quotes in them', () => {
    expect(scan('# "x\n1,2\n#\n3,#4\n', { ...csv, comment: '#' })).toMatchObject({
      records: 2,
      commentLines: 2,
      lines: 4,
    })
  })

  it('reads escaped quotes', () => {
    expect(scan('1,"a\\"\nb"\n2,3\n', { ...csv, escape: '\\' }).records).toBe(2)
  })

  it('counts the same by jumping as byte by byte', () => {
    fc.assert(
      fc.property(text, dialect, (bytes, given) => {
        const machine = new RecordMachine(given)
        for (let at = 0; at < bytes.length; ) at = machine.step(bytes, at)
        machine.finish()
        const { records, blankLines, commentLines, tangled } = machine.tally
        expect(scanRecords(bytes, given)).toMatchObject({ records, blankLines, commentLines, tangled })
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('createRecordCutter', () => {
  it('finds the same record ends and counts for any split of the bytes', () => {
    fc.assert(
      fc.property(
        text,
        dialect,
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (bytes, given, lengths) => {
          const cutter = createRecordCutter(given)
          let offset = 0
          for (const chunk of chunksOf(bytes, lengths)) {
            const end = cutter.push(chunk)
            if (end !== -1) {
              const before = scanRecords(bytes.subarray(0, offset + end), given)
              expect(before.endsInsideQuote).toBe(false)
              expect([cutter.records, cutter.lines]).toEqual([before.records, before.lines])
            }
            offset += chunk.length
          }
          cutter.finish()
          expect(cutter.records).toBe(scanRecords(bytes, given).records)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('returns -1 while no record ends', () => {
    const cutter = createRecordCutter(csv)
    expect(['1,"a\n', 'b', '"', '\n2,', '3'].map(chunk => cutter.push(Buffer.from(chunk)))).toEqual([-1, -1, -1, 1, -1])
    expect([cutter.records, cutter.lines]).toEqual([1, 2])
  })

  it('leaves a carriage return at a chunk’s end to the next chunk', () => {
    const cutter = createRecordCutter(csv)
    expect(['1,2\r', '\n3,4\r', '5,6'].map(chunk => cutter.push(Buffer.from(chunk)))).toEqual([-1, 1, 0])
    cutter.finish()
    expect(cutter.records).toBe(3)
  })
})

describe('recordEndSearch', () => {
  const bytes = Buffer.from('1,2\n"3\n3",4\r\n5,6\n')

  it.each([
    [0, 0],
    [1, 4],
    [4, 4],
    [5, 13],
    [12, 13],
    [13, 13],
    [14, 17],
    [18, -1],
  ])('finds the record end from offset %i on', (notBefore, end) => {
    expect(recordEndSearch(csv, { from: 0, notBefore })(bytes)?.end ?? -1).toBe(end)
  })

  it('finds the same end when the bytes arrive little by little', () => {
    fc.assert(
      fc.property(text, dialect, fc.nat(60), (bytes, given, notBefore) => {
        const little = recordEndSearch(given, { from: 0, notBefore })
        let found: ReturnType<typeof little>
        for (let end = notBefore; !found && end <= bytes.length; end++) found = little(bytes.subarray(0, end))
        expect(found).toEqual(
          bytes.length < notBefore ? undefined : recordEndSearch(given, { from: 0, notBefore })(bytes),
        )
      }),
    )
  })

  it('counts the records before the end as a scan of those bytes alone does', () => {
    fc.assert(
      fc.property(text, dialect, fc.nat(60), (bytes, given, notBefore) => {
        const found = recordEndSearch(given, { from: 0, notBefore })(bytes)
        fc.pre(found !== undefined)
        expect(found.scan).toEqual(scanRecords(bytes.subarray(0, found.end), given))
      }),
    )
  })
})
