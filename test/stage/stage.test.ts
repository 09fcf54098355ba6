import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TextFormat } from '../../lib/define/formats/format-kind.ts'
import { lineDelimiter } from '../../lib/define/formats/format-kind.ts'
import { createStage } from '../../lib/stage/stage.ts'
import type { StagedFile } from '../../lib/stage/staged-file.ts'
import { csvFormat, readStaged } from './staged-rows.ts'

const fixtures = new URL('../fixtures/csv/', import.meta.url)

interface Expected {
  readonly columns: readonly string[]
  readonly rows: readonly (string | null)[][]
  readonly lines?: readonly number[]
  readonly rejected?: readonly number[]
  readonly newline?: 'lf' | 'crlf'
  readonly alone?: boolean
  readonly format?: object
  readonly width?: number
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-stage-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function stageAll(
  texts: readonly (string | Uint8Array)[],
  format: TextFormat = csvFormat,
  located = false,
): StagedFile[] {
  const stage = createStage({ folder, format, located, stageBytesMax: 1e9, name: `s${Math.random()}` })
  texts.forEach((text, index) => {
    stage.add(Buffer.from(text), { archive: 'a.zip', member: `m${index}.csv` })
  })
  return stage.finish()
}

const names = readdirSync(fixtures)
  .filter(name => name.endsWith('.csv'))
  .map(name => name.slice(0, -4))

describe.each(names)('fixture %s', name => {
  const bytes = readFileSync(new URL(`${name}.csv`, fixtures))
  const expected = JSON.parse(readFileSync(new URL(`${name}.expected.json`, fixtures), 'utf8')) as Expected
  const format = { ...csvFormat, ...expected.format }
  const recordCount = expected.rows.length + (expected.rejected?.length ?? 0)

  it('returns the expected rows and counts', async () => {
    const [staged, ...others] = stageAll([bytes], format) as [StagedFile]
    expect(others).toEqual([])
    expect(staged.columns).toEqual(expected.columns)
    expect(staged.newline).toBe(expected.newline ?? 'lf')
    expect(staged.records).toBe(recordCount)
    expect(staged.bytes).toBe(readFileSync(staged.file).length)
    const { rows, rejectedCount } = await readStaged(staged, format, expected.width)
    expect(rows).toEqual(expected.rows)
    expect(rejectedCount).toBe(expected.rejected?.length ?? 0)
  })

  it('prefixes each located record with its line and number', async () => {
    const [staged] = stageAll([bytes], format, true) as [StagedFile]
    expect(staged.records).toBe(recordCount)
    const { rows, rejectedLines } = await readStaged(staged, format, expected.width)
    expect(rows.map(row => row.slice(3))).toEqual(expected.rows)
    expect(rows.map(row => Number(row[1]))).toEqual(expected.lines ?? [])
    expect(rejectedLines).toEqual(expected.rejected ?? [])
    const numbers = rows.map(row => Number(row[2]))
    if (!expected.rejected) expect(numbers).toEqual(expected.rows.map((_, index) => index + 1))
  })

  it('keeps the line numbers when it is staged a second time', async () => {
    const first = stageAll([bytes], format)
    const stage = createStage({ folder, format, located: true, stageBytesMax: 1e9 })
    for (const file of first)
      for (const { start, end, archive, member, firstLine, firstRecord, gaps } of file.members) {
        const again = { archive, member, firstLine, firstRecord, header: file.columns, ...(gaps && { gaps }) }
        stage.add(readFileSync(file.file).subarray(start, end), again)
      }
    const [staged] = stage.finish() as [StagedFile]
    const { rows, rejectedLines } = await readStaged(staged, format, expected.width)
    expect(rows.map(row => row.slice(3))).toEqual(expected.rows)
    expect(rows.map(row => Number(row[1]))).toEqual(expected.lines ?? [])
    expect(rejectedLines).toEqual(expected.rejected ?? [])
  })

  it('does not change the members before and after it', async () => {
    const plain = expected.width ? '1,2\n3,4\n' : `${'x'.repeat(3)}\n`
    const files = stageAll([bytes, plain, bytes], format)
    const at = files.filter(file => file.members.some(({ member }) => member === 'm0.csv'))
    expect(at).toHaveLength(1)
    expect(at[0]!.members.some(({ member }) => member === 'm2.csv')).toBe(!expected.alone)
    for (const file of files) {
      const { rows, rejectedCount } = await readStaged(file, format, expected.width)
      expect(rows.length + rejectedCount).toBe(file.records)
    }
  })
})

it.each(readdirSync(new URL('bad/', fixtures)))('refuses %s', name => {
  const bytes = readFileSync(new URL(`bad/${name}`, fixtures))
  const stage = createStage({ folder, format: csvFormat, located: false, stageBytesMax: 1e9 })
  const where = { archive: 'a.zip', member: 'm.csv' }
  expect(() => stage.add(bytes, where)).toThrow(
    expect.objectContaining({
      code: name.split('--')[0],
      message: expect.stringContaining('m.csv'),
      detail: expect.objectContaining(where),
    }),
  )
})

describe('createStage', () => {
  it('joins only members with the same header and newline style', () => {
    const files = stageAll(['a,b\n1,2', 'a,b\r\n1,2\r\n', 'b,a\n1,2\n', '"a","b"\n3,4\n', 'a,b\n', 'a,b\r\n5,6'])
    expect(
      files.map(({ columns, newline, records, members }) => [
        columns.join(),
        newline,
        records,
        members.map(({ index }) => index),
      ]),
    ).toEqual([
      ['a,b', 'lf', 3, [0, 3, 4, 5]],
      ['a,b', 'crlf', 1, [1]],
      ['b,a', 'lf', 1, [2]],
    ])
    expect(readFileSync(files[0]!.file, 'latin1')).toBe('1,2\n3,4\n5,6\n')
  })

  it('returns the length of the longest located record', () => {
    const [staged] = stageAll(['a,b\n1,2\n', 'a,b\n"3\n33",4\r\n\n5,6'], csvFormat, true) as [StagedFile]
    expect(readFileSync(staged.file, 'latin1')).toBe('0,2,1,1,2\n1,2,1,"3\n33",4\n1,5,2,5,6\n')
    expect(staged.longestRecord).toBe('1,2,1,"3\n33",4\n'.length)
  })

  it('begins another file when located text is long, and loses no record', () => {
    const record = `${'x'.repeat(999)},${'y'.repeat(1000)}\n`
    const member = `a,b\n${record.repeat(7000)}`
    const files = stageAll([member, member, member, 'a,b\n1,2\n'], csvFormat, true)
    expect(files.map(({ records, members }) => [records, members.map(({ index }) => index)])).toEqual([
      [14_000, [0, 1]],
      [7001, [2, 3]],
    ])
    for (const file of files) expect(readFileSync(file.file)).toHaveLength(file.bytes)
  })

  it('returns the byte range of each member', () => {
    const [staged] = stageAll(['a,b\n1,2\n', 'a,b\n', '\n\na,b\n"3\n3",4\n5,6']) as [StagedFile]
    expect(staged.members.map(({ start, end, records, firstLine }) => ({ start, end, records, firstLine }))).toEqual([
      { start: 0, end: 4, records: 1, firstLine: 2 },
      { start: 4, end: 4, records: 0, firstLine: 2 },
      { start: 4, end: 16, records: 2, firstLine: 4 },
    ])
  })

  it('counts members over all files and continues the lines of a piece', async () => {
    const stage = createStage({ folder, format: csvFormat, located: true, stageBytesMax: 1e6 })
    const origin = { archive: 'a.csv', member: '' }
    stage.add(Buffer.from('b\n1\n'), origin)
    stage.add(Buffer.from('1,2\n"3\n3",4\n5,6\n'), { ...origin, firstLine: 100, firstRecord: 50, header: ['a', 'b'] })
    const [, staged] = stage.finish() as [StagedFile, StagedFile]
    expect((await readStaged(staged, csvFormat)).rows.map(row => row.slice(0, 3).map(Number))).toEqual([
      [1, 100, 50],
      [1, 101, 51],
      [1, 103, 52],
    ])
  })

  it('stages every line that is not blank, of JSON lines and log lines', async () => {
    const given = ['{"a": "x\\ny"}\r\n\r\n"quoted, text\n', '\n', '  \n#x\n\n{"b": 1}']
    for (const format of [{ kind: 'jsonLines' }, { kind: 'lines', pattern: '.+' }] as const) {
      const plain = (await Promise.all(stageAll(given, format).map(file => readStaged(file, format)))).flatMap(
        ({ rows }) => rows,
      )
      expect(plain).toEqual([['{"a": "x\\ny"}'], ['"quoted, text'], ['  '], ['#x'], ['{"b": 1}']])
      const located = await Promise.all(stageAll(given, format, true).map(file => readStaged(file, format)))
      expect(located.flatMap(({ rows }) => rows.map(row => row.slice(0, 3).map(Number)))).toEqual([
        [0, 1, 1],
        [0, 3, 2],
        [2, 1, 1],
        [2, 2, 2],
        [2, 4, 3],
      ])
    }
  })

  it('stages members of more headers than files may be open', async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `a,b${index % 50}\n${index},1\n`)
    const files = stageAll(texts)
    expect(files).toHaveLength(50)
    for (const file of files) expect((await readStaged(file, csvFormat)).rows).toHaveLength(4)
  })

  it('refuses to stage more than stageBytesMax, and removes its files when discarded', () => {
    const stage = createStage({ folder, format: csvFormat, located: false, stageBytesMax: 8 })
    stage.add(Buffer.from('a,b\n1,2\n'), { archive: 'a', member: 'm' })
    stage.add(Buffer.from('a\n1\n'), { archive: 'a', member: 'm' })
    expect(stage.bytes).toBe(6)
    expect(() => stage.add(Buffer.from('a,b\n1,2\n'), { archive: 'a', member: 'm' })).toThrow(
      expect.objectContaining({ name: 'CapacityError', code: 'DISK_FULL' }),
    )
    expect(readdirSync(folder)).toHaveLength(2)
    stage.discard()
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('properties', () => {
  const pieces = ['a', 'é', ',', ',', '"', '"', '""', ',"', '",', '\n', '\r\n', '\r', ' ', '1', '\n\n']
  const textOf = (delimiter: string, others: readonly string[] = []): fc.Arbitrary<string> =>
    fc
      .array(fc.constantFrom(...pieces, ...others), { maxLength: 30 })
      .map(parts => `x,y\n${parts.join('')}`.replaceAll(',', delimiter))
  const member = textOf(',')
  const dialects = [
    { format: csvFormat, text: member },
    { format: { ...csvFormat, delimiter: '\t' }, text: textOf('\t') },
    { format: { ...csvFormat, escape: '\\' }, text: textOf(',', ['\\', '\\"']) },
    { format: { ...csvFormat, delimiter: '||' }, text: textOf('||', ['|']) },
    { format: { ...csvFormat, quote: '', escape: '' }, text: member },
    { format: { ...csvFormat, comment: '#' }, text: textOf(',', ['#', '\n#']) },
  ]

  it.each(dialects)(
    'counts exactly the records that the engine finds, whatever the text: $format',
    async ({ format, text }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), fc.boolean(), async (texts, located) => {
          const files = stageAll(texts, format, located)
          for (const file of files) {
            const { rows, rejectedCount } = await readStaged(file, format)
            expect(rows.length + rejectedCount).toBe(file.records)
          }
          for (const file of files) rmSync(file.file)
        }),
        { numRuns: 100 },
      )
    },
  )

  it('returns the same records and counts for any order of the members', async () => {
    const counts = (texts: readonly string[]): Record<string, number> => {
      const files = stageAll(texts)
      for (const file of files) rmSync(file.file)
      return Object.fromEntries(
        files.flatMap(file =>
          file.members.map(({ member: name, records }) => [texts[Number(name.slice(1, -4))], records]),
        ),
      )
    }
    await fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 6 }), texts => {
        expect(counts(texts.toReversed())).toEqual(counts(texts))
      }),
      { numRuns: 100 },
    )
  })
})

describe('a record of more than 64 MiB', () => {
  it('is set aside with its line, and not passed to the engine', () => {
    const bytes = Buffer.alloc(64 * 1024 * 1024 + 20, 'x')
    bytes.write('a,b\n1,x\n2,')
    bytes.write('\n3,y\n', bytes.length - 5)
    const stage = createStage({ folder, format: csvFormat, located: true, stageBytesMax: 1e9 })
    stage.add(bytes, { archive: 'a.csv', member: '' })
    const [staged] = stage.finish() as [StagedFile]
    expect(staged.records).toBe(3)
    expect(readFileSync(staged.file, 'utf8')).toBe('0,2,1,1,x\n0,4,3,3,y\n')
    const [member, line, record, column, expected, text] = readFileSync(staged.setAside ?? '', 'utf8').split(
      lineDelimiter,
    )
    expect([member, line, record, column, expected]).toEqual(['0', '3', '2', '""', 'a record of at most 64 MiB'])
    expect(JSON.parse(text ?? '')).toBe(`2,${'x'.repeat(65_534)}`)
    stage.discard()
  })
})
