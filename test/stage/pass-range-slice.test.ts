import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TextFormat } from '../../lib/define/formats/format-kind.ts'
import type { InputObject, RangeSlice } from '../../lib/model/plan-data.ts'
import type { Parsing } from '../../lib/stage/parsing.ts'
import { passRangeSlice } from '../../lib/stage/pass-range-slice.ts'
import { createStage } from '../../lib/stage/stage.ts'
import type { StagedFile } from '../../lib/stage/staged-file.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { ReusedBuffer } from '../../lib/store/reused-buffer.ts'
import type { FieldKind } from '../../lib/text/columns/field-kind.ts'
import { readRangeSlice } from '../../lib/text/records/read-range-slice.ts'
import { csvFormat } from './staged-rows.ts'

const pieces = ['a', 'é', ',', '"', '""', ',"', '",', '\n', '\r\n', '\r', ' ', '\n1,2\n', '\n"3\n3",4\n', '#', '\n\n']
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map(list => list.join(''))
const format = fc.constantFrom<TextFormat>(
  csvFormat,
  { ...csvFormat, header: false, delimiter: '||' },
  { kind: 'jsonLines' },
  { ...csvFormat, comment: '#' },
)

interface Given {
  readonly bytes: Buffer
  readonly format: TextFormat
  readonly range: RangeSlice['range']
  readonly windowBytes: number
  readonly recordStart?: number | undefined
}

/** Opens a text of which one slice is read. */
async function openSlice({ bytes, format, range, windowBytes, recordStart }: Given) {
  const store = memoryStore()
  const etag = await store.write('a.csv', bytes)
  const input: InputObject = { key: 'a.csv', sizeBytes: bytes.length, etag, identity: '' }
  const slice: RangeSlice = { kind: 'range', slice: 1, input: 0, range, bytes: 1, recordStart }
  const readNow: Parameters<typeof passRangeSlice>[0]['readNow'] = (_key, { range, into }) => {
    const part = bytes.subarray(range?.start, range?.end)
    const memory = into?.(part.length) ?? new Uint8Array(part.length)
    memory.set(part)
    return memory
  }
  return { store, input, slice, format, readNow, into: new ReusedBuffer().take, windowBytes }
}

describe('passRangeSlice', () => {
  it('passes the records that a reading of the whole slice returns, for any text, slice and window', async () => {
    let passedCount = 0
    const given = fc.tuple(text, format, fc.nat(150), fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 40 }))
    await fc.assert(
      fc.asyncProperty(given, async ([body, format, from, length, windowBytes]) => {
        const bytes = Buffer.from(`x,y\n${body}`)
        const start = Math.min(from, bytes.length - 1)
        const range = { start, end: Math.min(start + length, bytes.length) }
        const whole = await openSlice({ bytes, format, range, windowBytes }).then(readRangeSlice)
        // The same beginning, because a guess may depend on the bytes that are seen.
        const recordStart = start === 0 || whole.start === -1 ? undefined : whole.start
        const taken: Buffer[] = []
        const passed = await passRangeSlice(
          await openSlice({ bytes, format, range, windowBytes, recordStart }),
          (records, header) => {
            expect(header).toEqual(whole.header)
            taken.push(Buffer.from(records))
            return true
          },
        )
        if (!passed) return
        passedCount++
        expect(Buffer.concat(taken).toString()).toBe(Buffer.from(whole.bytes).toString())
        const { start: textStart, end, scan, firstLine } = whole
        expect(passed).toEqual({
          ...{ start: textStart, end, scan, textBytes: whole.bytes.length },
          ...(start === 0 && { firstLine }),
        })
      }),
      { numRuns: 2_000 },
    )
    expect(passedCount).toBeGreaterThan(500)
  })

  it('ends each piece with a record', async () => {
    const row = (n: number): string => `${n},"a\n${'b'.repeat(n % 90)}"\n`
    const bytes = Buffer.from(`x,y\n${Array.from({ length: 500 }, (_, n) => row(n)).join('')}`)
    const range = { start: 0, end: bytes.length }
    const taken: string[] = []
    await passRangeSlice(await openSlice({ bytes, format: csvFormat, range, windowBytes: 200 }), records => {
      taken.push(Buffer.from(records).toString())
      return true
    })
    expect(taken.length).toBeGreaterThan(50)
    expect(taken.join('')).toBe(bytes.toString().slice(4))
    for (const piece of taken) expect(piece).toMatch(/^\d+,"a\n[\s\S]*"\n$/)
  })

  it('finds the first record of a slice as a reading of the whole slice does', async () => {
    const row = (n: number): string => (n % 10 === 0 ? `${n},"line\nother, line\n"\n` : `${n},"a, ""b"""\n`)
    const bytes = Buffer.from(`x,y\n${Array.from({ length: 3_000 }, (_, n) => row(n)).join('')}`)
    for (let start = 5_000; start < bytes.length; start += 997) {
      const range = { start, end: Math.min(start + 5_000, bytes.length) }
      const given = { bytes, format: csvFormat, range, windowBytes: 20_000 }
      const whole = await openSlice(given).then(readRangeSlice)
      const passed = await passRangeSlice(await openSlice(given), () => true)
      expect(passed).toMatchObject({ start: whole.start, end: whole.end, scan: whole.scan })
    }
  })

  it('stops between windows when its signal is aborted', async () => {
    const bytes = Buffer.from(`x,y\n${'1,2\n'.repeat(1_000)}`)
    const range = { start: 0, end: bytes.length }
    const ending = new AbortController()
    const opened = await openSlice({ bytes, format: csvFormat, range, windowBytes: 10 })
    const passing = passRangeSlice({ ...opened, signal: ending.signal }, () => {
      ending.abort()
      return true
    })
    await expect(passing).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('addPassed', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanmill-passed-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const stageOf = (name: string, format: TextFormat, parsing?: Parsing) =>
    createStage({ folder, format, located: false, stageBytesMax: 1e9, name, parsing })
  const contents = (files: readonly StagedFile[]) =>
    files.map(({ file, ...staged }) => ({ ...staged, text: readFileSync(file, 'utf8') }))

  it('stages what add stages, and nothing where add may have to rewrite the text, for any text', async () => {
    let passedCount = 0
    const texts = fc.array(text, { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(texts, format, fc.integer({ min: 5, max: 60 }), async (bodies, format, windowBytes) => {
        const added = stageOf('added', format)
        const passed = stageOf('passed', format)
        for (const body of bodies) {
          const bytes = Buffer.from(`x,y\n${body}`)
          const range = { start: 0, end: bytes.length }
          const opened = await openSlice({ bytes, format, range, windowBytes })
          const place = { archive: 'a.csv', member: '' }
          const { bytes: records, header, firstLine } = await readRangeSlice(opened)
          added.add(records, { ...place, header, firstLine })
          const before = passed.bytes
          if (await passed.addPassed(place, take => passRangeSlice(opened, take))) passedCount++
          else {
            expect(passed.bytes).toBe(before)
            passed.add(records, { ...place, header, firstLine })
          }
        }
        const sorted = (files: readonly StagedFile[]) =>
          contents(files).sort((a, b) => (a.members[0]?.index ?? 0) - (b.members[0]?.index ?? 0))
        expect(sorted(passed.finish())).toEqual(sorted(added.finish()))
        expect(passed.bytes).toBe(added.bytes)
        added.discard()
        passed.discard()
      }),
      { numRuns: 300 },
    )
    expect(passedCount).toBeGreaterThan(100)
  })

  it('looks at the fields of all windows of a text that is not worth parsing', async () => {
    const castText = { kind: 'text', isCast: true } as const
    const fields: readonly FieldKind[] = [{ kind: 'date' }, { kind: 'date' }, castText, castText, castText]
    const stage = stageOf('plain', csvFormat, { nulls: [], looksAtTexts: true, fieldsOf: () => fields })
    const row = '2024-01-31,2024-02-29,3,4,5\n'
    const bytes = Buffer.from(`a,b,c,d,e\n${row.repeat(100)}${row.replace('01-31', '01-32')}${row.repeat(100)}`)
    const range = { start: 0, end: bytes.length }
    const opened = await openSlice({ bytes, format: csvFormat, range, windowBytes: 100 })
    await stage.addPassed({ archive: 'a.csv', member: '' }, take => passRangeSlice(opened, take))
    const [file] = stage.finish()
    expect(file).toMatchObject({ records: 201, plainColumns: [false, true, false, false, false] })
    expect(file?.parsed).toBeUndefined()
  })

  it('refuses more than stageBytesMax before it is written', async () => {
    const stage = createStage({ folder, format: csvFormat, located: false, stageBytesMax: 100 })
    const bytes = Buffer.from(`x,y\n${'1,2\n'.repeat(100)}`)
    const opened = await openSlice({
      ...{ bytes, format: csvFormat, windowBytes: 50 },
      range: { start: 0, end: bytes.length },
    })
    const adding = stage.addPassed({ archive: 'a.csv', member: '' }, take => passRangeSlice(opened, take))
    await expect(adding).rejects.toMatchObject({ code: 'DISK_FULL' })
    stage.discard()
  })
})
