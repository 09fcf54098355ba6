import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TextFormat } from '../../../lib/define/formats/format-kind.ts'
import type { InputObject, RangeSlice } from '../../../lib/model/plan-data.ts'
import type { ShareResult } from '../../../lib/model/share.ts'
import { type FinishedShare, meetRanges } from '../../../lib/process/share/meet-ranges.ts'
import { memoryStore } from '../../../lib/store/memory-store.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'
import { type RangeText, readRangeSlice } from '../../../lib/text/records/read-range-slice.ts'
import { scanRecords } from '../../../lib/text/records/records.ts'
import { csvFormat } from '../../stage/staged-rows.ts'

interface Read {
  readonly texts: readonly RangeText[]
  /** How many slices were read in all, those that were read again included. */
  readonly readCount: number
}

/** Reads a text in slices of these lengths, again from where their neighbours end until all meet. */
async function readSlices(
  text: string | Uint8Array,
  lengths: readonly number[],
  format: TextFormat = csvFormat,
): Promise<Read> {
  const bytes = Buffer.from(text)
  const store = memoryStore()
  const etag = await store.write('a.csv', bytes)
  const input: InputObject = { key: 'a.csv', sizeBytes: bytes.length, etag, identity: '' }
  const texts = new Map<number, RangeText>()
  let readCount = 0
  const read = async (slice: RangeSlice): Promise<FinishedShare> => {
    readCount++
    const text = await readRangeSlice({ store, input, slice, format, isPlaced: true })
    texts.set(slice.slice, text)
    const range = { slice: slice.slice, input: 0, start: text.start, end: text.end }
    return { slices: [slice], results: [{ ranges: [range] } as unknown as ShareResult] }
  }
  const shares: FinishedShare[] = []
  for (const slice of slicesOf(bytes.length, lengths)) shares.push(await read(slice))
  await meetRanges(shares, (_, [slice]) => read(slice as RangeSlice))
  return { texts: [...texts].sort(([a], [b]) => a - b).map(([, text]) => text), readCount }
}

function slicesOf(sizeBytes: number, lengths: readonly number[]): RangeSlice[] {
  const slices: RangeSlice[] = []
  for (let start = 0; start < sizeBytes || slices.length === 0; ) {
    const length = lengths[slices.length % lengths.length] ?? 1
    const range = { start, end: Math.min(start + length, sizeBytes) }
    slices.push({ kind: 'range', slice: slices.length + 10, input: 0, range, bytes: length })
    start = range.end || 1
  }
  return slices
}

const bodyOf = ({ texts }: Read): string => Buffer.concat(texts.map(({ bytes }) => bytes)).toString()

const row = (n: number): string =>
  n % 10 === 0 ? `${n},"line\nother, line\n",${n % 7}\n` : `${n},"a, ""b""",${n % 7}\n`
const rows = Array.from({ length: 3_000 }, (_, n) => row(n)).join('')

describe('readRangeSlice', () => {
  it('returns each record in one slice, without wrong guesses when a tenth of the records has quoted newlines', async () => {
    const read = await readSlices(`a,b,c\n${rows}`, [5_000])
    expect(bodyOf(read)).toBe(rows)
    expect(read.readCount).toBe(read.texts.length)
    let [line, record] = [2, 1]
    for (const {
      bytes,
      header,
      scan: { records },
      firstLine,
      firstRecord,
    } of read.texts) {
      expect([header.join(), firstLine, firstRecord]).toEqual(['a,b,c', line, record])
      line += scanRecords(bytes, dialectOf(csvFormat)).lines
      record += records
    }
    expect(record - 1).toBe(3_000)
  })

  it('returns the same records for any text and any slices', async () => {
    const parts = fc.constantFrom(
      'a',
      'é',
      ',',
      '"',
      '""',
      ',"',
      '",',
      '\n',
      '\r\n',
      '\r',
      ' ',
      '\n1,2\n',
      '\n"3\n3",4\n',
    )
    const body = fc.array(parts, { maxLength: 60 }).map(list => list.join(''))
    const formats = fc.constantFrom<TextFormat>(
      csvFormat,
      { ...csvFormat, header: false, delimiter: '||' },
      { kind: 'jsonLines' },
      { ...csvFormat, comment: 'a' },
    )
    await fc.assert(
      fc.asyncProperty(
        body,
        formats,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
        async (text, format, lengths) => {
          const top = format.kind === 'csv' && format.header ? 'x,y\n' : ''
          const read = await readSlices(top + text, lengths, format)
          expect(bodyOf(read)).toBe(text)
          const { records } = scanRecords(Buffer.from(text), dialectOf(format))
          expect(read.texts.reduce((sum, part) => sum + part.scan.records, 0)).toBe(records)
          let record = 1
          for (const part of read.texts) {
            if (part.scan.records > 0) expect(part.firstRecord).toBe(record)
            record += part.scan.records
          }
        },
      ),
      { numRuns: 400 },
    )
  })

  it('re-reads a slice whose start was guessed inside a quoted field', async () => {
    const table = Array.from({ length: 400 }, (_, n) => `${n},"x",y\n`)
      .join('')
      .replaceAll('"', '""')
    const text = `1,"${table}",2\n3,4,5\n`
    const read = await readSlices(`a,b,c\n${text}`, [1_000])
    expect(bodyOf(read)).toBe(text)
    expect(read.texts.reduce((sum, { scan: { records } }) => sum + records, 0)).toBe(2)
  })

  it('finds records and headers longer than a slice', async () => {
    const names = `${'x'.repeat(3_000)},b`
    const text = `1,"${'y\n'.repeat(50_000)}"\n2,3\n`
    const read = await readSlices(`${names}\n${text}`, [1_000])
    expect(bodyOf(read)).toBe(text)
    expect(read.texts.every(({ header }) => header.join() === names)).toBe(true)
  })

  it.each(['', 'a,b', 'a,b\n', '\ufeffa,b\r\n'])('reads %j, a text without records', async text => {
    const { texts } = await readSlices(text, [2])
    expect(texts.map(({ scan: { records } }) => records)).toEqual(texts.map(() => 0))
    expect(texts[0]!.header).toEqual(text === '' ? [] : ['a', 'b'])
  })

  it('reads two ranges for a slice: the header, and its own range with a little more', async () => {
    const store = memoryStore()
    const bytes = Buffer.from(`a,b,c\n${rows.repeat(20)}`)
    const etag = await store.write('a.csv', bytes)
    const input = { key: 'a.csv', sizeBytes: bytes.length, etag, identity: '' }
    const slice: RangeSlice = { kind: 'range', slice: 0, input: 0, range: { start: 400_000, end: 800_000 }, bytes: 0 }
    const before = store.counts.requests
    const { firstLine } = await readRangeSlice({ store, input, slice, format: csvFormat })
    expect(store.counts.requests - before).toBe(2)
    expect(firstLine).toBeUndefined()
  })

  it('refuses a record that is too long only where its start is certain', async () => {
    const store = memoryStore()
    const bytes = Buffer.from(`a,b\n1,"${'x\n'.repeat(200_000)}`)
    const etag = await store.write('a.csv', bytes)
    const input = { key: 'a.csv', sizeBytes: bytes.length, etag, identity: '' }
    const read = (start: number, end: number): Promise<RangeText> =>
      readRangeSlice({
        store,
        input,
        slice: { kind: 'range', slice: 0, input: 0, range: { start, end }, bytes: 0 },
        format: csvFormat,
        recordBytesMax: 1_000,
      })
    await expect(read(0, 1_000)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(read(1_000, 2_000)).resolves.toMatchObject({ header: ['a', 'b'] })
  })
})
