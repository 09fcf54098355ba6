import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TextFormat } from '../../../lib/define/formats/format-kind.ts'
import { type CutOptions, cutRecords, type Piece } from '../../../lib/text/records/cut.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'
import { scanRecords } from '../../../lib/text/records/records.ts'
import { csvFormat } from '../../stage/staged-rows.ts'

async function* chunksOf(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  const reused = Buffer.alloc(Math.max(...lengths))
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const chunk = bytes.subarray(at, at + (lengths[index % lengths.length] ?? 1))
    // The source reuses its buffer, as it may.
    reused.set(chunk)
    yield reused.subarray(0, chunk.length)
    at += chunk.length
  }
}

async function cut(text: string | Uint8Array, options: Partial<CutOptions> = {}, lengths = [5]): Promise<Piece[]> {
  const pieces: Piece[] = []
  for await (const piece of cutRecords(chunksOf(Buffer.from(text), lengths), {
    format: csvFormat,
    pieceBytes: 8,
    ...options,
  }))
    pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) })
  return pieces
}

const show = ({ bytes, header, firstLine, firstRecord, records }: Piece): unknown[] => [
  Buffer.from(bytes).toString(),
  header.join(),
  firstLine,
  firstRecord,
  records,
]

describe('cutRecords', () => {
  it('cuts on record ends and returns the line and record number of each piece', async () => {
    expect((await cut('\ufeffa,b\n1,2\n"3\n3",4\n\n5,6\n7,8\n9,10')).map(show)).toEqual([
      ['1,2\n"3\n3",4\n\n', 'a,b', 2, 1, 2],
      ['5,6\n7,8\n', 'a,b', 6, 3, 2],
      ['9,10', 'a,b', 8, 5, 1],
    ])
  })

  it.each(['', 'a,b', 'a,b\n', 'a,b\r\n', '\ufeff'])('returns one empty piece for %j', async text => {
    const names = text.startsWith('a') ? 'a,b' : ''
    const [piece, ...others] = await cut(text)
    expect(others).toEqual([])
    expect(show(piece!).slice(0, 2)).toEqual(['', names])
    expect(piece!.records).toBe(0)
  })

  it('returns the same records for any chunks and any piece size', async () => {
    const parts = fc.constantFrom('a', 'é', ',', '"', '""', ',"', '",', '\n', '\r\n', '\r', ' ')
    const body = fc.array(parts, { maxLength: 60 }).map(list => list.join(''))
    const formats = fc.constantFrom<TextFormat>(
      csvFormat,
      { ...csvFormat, header: false, delimiter: '||' },
      { kind: 'jsonLines' },
    )
    await fc.assert(
      fc.asyncProperty(
        body,
        formats,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 40 }),
        async (text, format, lengths, pieceBytes) => {
          const top = format.kind === 'csv' && format.header ? 'x,y\n' : ''
          const pieces = await cut(top + text, { format, pieceBytes }, lengths)
          expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()).toBe(text)
          const dialect = dialectOf(format)
          let [record, line] = [1, top === '' ? 1 : 2]
          for (const piece of pieces) {
            const { records, lines } = scanRecords(piece.bytes, dialect)
            expect([piece.records, piece.firstRecord, piece.firstLine]).toEqual([records, record, line])
            record += records
            line += lines
          }
          expect(record - 1).toBe(scanRecords(Buffer.from(text), dialect).records)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('reuses the same memory for all pieces', async () => {
    const line = `${'x'.repeat(1000)},1\n`
    const buffers = new Set<ArrayBufferLike>()
    const source = chunksOf(Buffer.from(`a,b\n${line.repeat(5000)}`), [60_000])
    for await (const { bytes } of cutRecords(source, { format: csvFormat, pieceBytes: 1e5 })) buffers.add(bytes.buffer)
    expect(buffers.size).toBe(1)
  })

  it('reads a header below skipped and commented lines that is longer than a chunk', async () => {
    const name = 'x'.repeat(5_000)
    const format = { ...csvFormat, skip: 1, comment: '#' }
    const [piece] = await cut(`title\r\n# comment\n${name},b\n1,2\n`, { format, pieceBytes: 1e6 }, [3, 700])
    expect(show(piece!)).toEqual(['1,2\n', `${name},b`, 4, 1, 1])
  })

  it('keeps the bytes of windows-1252 text, and decodes the header', async () => {
    const [piece] = await cut(Buffer.from('größe,b\nü,1\n', 'latin1'), {
      format: { ...csvFormat, encoding: 'windows-1252' },
    })
    expect(piece).toMatchObject({ header: ['größe', 'b'], records: 1 })
    expect(Buffer.from(piece!.bytes).toString('latin1')).toBe('ü,1\n')
  })

  it('refuses a record that is too long, naming its line', async () => {
    const text = `a,b\n1,2\n3,"${'x\n'.repeat(200)}`
    await expect(cut(text, { recordBytesMax: 100 })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      detail: { line: 3 },
    })
    await expect(cut(`"${'x'.repeat(300)}`, { recordBytesMax: 100 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })

  it('refuses UTF-16', async () => {
    await expect(cut(Buffer.from('a,b\n1,2\n', 'utf16le'))).rejects.toMatchObject({ code: 'INPUT_ENCODING' })
  })
})
