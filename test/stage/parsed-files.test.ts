import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ColumnDefinition } from '../../lib/define/definition.ts'
import { column, csv } from '../../lib/define/index.ts'
import { parsingOf } from '../../lib/engine/read/text/parsed-rows.ts'
import { passRangeSlice } from '../../lib/stage/pass-range-slice.ts'
import { createStage, type StageOptions } from '../../lib/stage/stage.ts'
import { stageSlices } from '../../lib/stage/stage-slices.ts'
import type { StagedFile } from '../../lib/stage/staged-file.ts'
import { openStore } from '../../lib/store/open-store.ts'

const columns = { id: column.int64(), name: column.string() }
const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await instance.connect()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-parsed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const stageOf = (options: Partial<StageOptions> = {}) =>
  createStage({
    folder,
    format: csv(),
    located: false,
    stageBytesMax: 1e9,
    parsing: parsingOf(csv(), { columns }),
    ...options,
  })

const place = (index: number) => ({ archive: 'a.zip', member: `${index}.csv` })

/** Stages texts below the header `id,name`. */
function stageTexts(texts: readonly string[], options?: Partial<StageOptions>): StagedFile[] {
  const stage = stageOf(options)
  for (const [index, text] of texts.entries()) stage.add(Buffer.from(`id,name\n${text}`), place(index))
  return stage.finish()
}

/** Returns the rows of files in their order, as texts. */
async function rowsOf(files: readonly StagedFile[]): Promise<readonly (readonly unknown[])[]> {
  const rows: unknown[][] = []
  for (const { file, parsed } of files) {
    const from = parsed
      ? `read_parquet('${file}')`
      : `read_csv('${file}', header = false, all_varchar = true, delim = ',')`
    const found = await connection.runAndReadAll(`SELECT COLUMNS(*)::VARCHAR FROM ${from}`)
    rows.push(...found.getRowsJson())
  }
  return rows
}

const look = (files: readonly StagedFile[]) =>
  files.map(({ parsed, members, records }) => ({
    kinds: parsed?.map(field => field?.kind),
    members: members.map(({ index }) => index),
    records,
  }))

describe('texts that are parsed', () => {
  it('are in one Parquet file, with the members that they come from', async () => {
    const files = stageTexts(['1,a\n2,\n', '3,"b ""c"""\n', ',d'])
    expect(look(files)).toEqual([{ kinds: ['int32', 'text'], members: [0, 1, 2], records: 4 }])
    expect(await rowsOf(files)).toEqual([
      ['1', 'a'],
      ['2', null],
      ['3', 'b "c"'],
      [null, 'd'],
    ])
  })

  it('are left to the engine from the first one on that is not plain, in their order', async () => {
    const files = stageTexts(['1,a\n', '2,b\n3\n', '4,d\n'])
    expect(look(files)).toEqual([
      { kinds: ['int32', 'text'], members: [0], records: 1 },
      { kinds: undefined, members: [1, 2], records: 3 },
    ])
  })

  it('come before those that are not plain, also where a text without records came first', async () => {
    const files = stageTexts(['', '1,a\n', '2,b\n3\n'])
    expect(look(files)).toEqual([
      { kinds: ['int32', 'text'], members: [1], records: 1 },
      { kinds: undefined, members: [0, 2], records: 2 },
    ])
  })

  it('have a column as texts from the text on in which it is written otherwise', async () => {
    const files = stageTexts(['1,a\n', '2,b\n0x3,c\n', '4,d\n'])
    expect(look(files)).toEqual([
      { kinds: ['int32', 'text'], members: [0], records: 1 },
      { kinds: ['text', 'text'], members: [1, 2], records: 3 },
    ])
    expect(await rowsOf(files)).toEqual([
      ['1', 'a'],
      ['2', 'b'],
      ['0x3', 'c'],
      ['4', 'd'],
    ])
  })

  it('leave no file behind of which nothing is kept', () => {
    const files = stageTexts(['x,a\n'])
    expect(look(files)).toEqual([{ kinds: ['text', 'text'], members: [0], records: 1 }])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('have records of any length at the end of a window, with newlines in them', async () => {
    const record = (row: number): string => `${row},"${'line\n'.repeat(row % 40)}${'x'.repeat((row * 7919) % 9_000)}"\n`
    const given = Array.from({ length: 3_000 }, (_, row) => record(row))
    const files = stageTexts([given.join('')])
    expect(look(files)).toEqual([{ kinds: ['int32', 'text'], members: [0], records: 3_000 }])
    const rows = await rowsOf(files)
    expect(rows.map(([id, name]) => `${id},"${name}"\n`).join('')).toBe(given.join(''))
  })

  it('are written in pieces where they are long', async () => {
    const rows = 60_000
    const text = Array.from({ length: rows }, (_, row) => `${row},"${'long\n'.repeat(row % 90)}"\n`).join('')
    const [long] = stageTexts(['-1,x\n', text, '-2,y\n'])
    const found = await connection.runAndReadAll(
      `SELECT max(total_uncompressed_size) FROM parquet_metadata('${long?.file}')`,
    )
    expect(Number(found.getRows()[0]?.[0])).toBeLessThan(9_000_000)
    const ids = (await rowsOf(long ? [long] : [])).map(([id]) => Number(id))
    expect(ids).toEqual([-1, ...Array.from({ length: rows }, (_, row) => row), -2])
  })

  it('are left to the engine where a record is longer than a window', () => {
    expect(look(stageTexts([`1,${'x'.repeat(200_000)}\n`]))).toEqual([{ kinds: undefined, members: [0], records: 1 }])
  })

  it('are left to the engine where values take much more room than the text', () => {
    const wide = Array.from({ length: 8 }, (_, index) => `c${index}`)
    const parsing = parsingOf(csv(), { columns: Object.fromEntries(wide.map(name => [name, column.float64()])) })
    const stage = stageOf({ parsing })
    const text = `${wide.join()}\n${'1,2,3,4,5,6,7,8\n'.repeat(40_000)}`
    for (let index = 0; index < 3; index++) stage.add(Buffer.from(text), place(index))
    expect(look(stage.finish())).toEqual([{ kinds: undefined, members: [0, 1, 2], records: 120_000 }])
  })

  it('have integers of 64 bits from the text on in which 32 are not enough', async () => {
    const files = stageTexts(['1,a\n2147483647,b\n', '2147483648,c\n', 'x,d\n'])
    expect(look(files).map(({ kinds }) => kinds)).toEqual([
      ['int32', 'text'],
      ['int64', 'text'],
      ['text', 'text'],
    ])
    expect((await rowsOf(files)).map(([id]) => id)).toEqual(['1', '2147483647', '2147483648', 'x'])
  })

  it('are left to the engine under further headers, where texts are short', () => {
    const stage = stageOf()
    for (let index = 0; index < 40; index++) stage.add(Buffer.from(`id,name,x${index}\n1,a,b\n`), place(index))
    expect(stage.finish().filter(({ parsed }) => parsed)).toHaveLength(17)
  })

  const looks = (definition: ColumnDefinition, count: number, text: string) => {
    const wide = Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${index}`, definition]))
    const parsing = parsingOf(csv(), { columns: wide })
    const stage = stageOf({ parsing })
    stage.add(Buffer.from(`${Object.keys(wide).join()}\n${text}`), place(0))
    return stage.finish()
  }

  it.each([
    ['257 columns, which are plain', column.int64(), 257, true],
    ['columns of a type that would have to be cast', column.decimal(38, 20), 2, false],
  ])('are left to the engine with %s', (_name, definition, count, isPlain) => {
    const text = `${Array.from({ length: count }, () => '-123456').join()}\n`.repeat(3)
    const [file] = looks(definition, count, text)
    expect(file).toMatchObject({ records: 3, plainColumns: Array.from({ length: count }, () => isPlain) })
    expect(file?.parsed).toBeUndefined()
  })

  it('are left to the engine where columns turn out to be other texts again and again', () => {
    const megabytes = (count: number) => `${'123456,'.repeat(7)}123456\n`.repeat(count * 18_000)
    const misfit = (position: number): string =>
      `${Array.from({ length: 8 }, (_, at) => (at === position ? 'x' : '1')).join()}\n`
    const kinds = (...positions: number[]) =>
      look(looks(column.int64(), 8, positions.map(position => megabytes(3) + misfit(position)).join('')))[0]?.kinds
    expect(kinds(0, 1)).toEqual(['text', 'text', ...Array.from({ length: 6 }, () => 'int32')])
    expect(kinds(0, 1, 2)).toBeUndefined()
  })

  it('keep their order under forty headers at a time', async () => {
    const stage = stageOf()
    for (let index = 0; index < 120; index++)
      stage.add(Buffer.from(`id,name,x${index % 40}\n${index},a,b\n`), place(index))
    const files = stage.finish()
    expect(files).toHaveLength(40)
    const ids = (await rowsOf(files)).map(([id]) => Number(id))
    expect(ids).toEqual(Array.from({ length: 40 }, (_, at) => [at, at + 40, at + 80]).flat())
  })

  it('count for the limit on staged bytes, and no more after they were removed', () => {
    const text = `${'123456,abcdef\n'.repeat(400_000)}x,y\n`
    expect(look(stageTexts([text], { stageBytesMax: 6_000_000 }))).toMatchObject([{ kinds: ['text', 'text'] }])
    expect(() => stageTexts([text], { stageBytesMax: 5_000_000 })).toThrow(/expected at most 5000000 bytes/)
  })
})

describe('a slice that is parsed while it is read', () => {
  async function pass(text: string) {
    const key = 'a.csv'
    const bytes = Buffer.from(`id,name\n${text}`)
    const root = join(folder, 'in')
    mkdirSync(root)
    writeFileSync(join(root, key), bytes)
    const store = openStore({ kind: 'disk', folder: root })
    const [found] = await Array.fromAsync(store.list(''))
    const input = { key, etag: found?.etag ?? '', sizeBytes: bytes.length, identity: '' }
    const range = { start: 0, end: bytes.length }
    const buffer = Buffer.alloc(1 << 16)
    const stage = stageOf()
    const slice = { kind: 'range' as const, slice: 0, input: 0, range, bytes: bytes.length }
    const readNow = store.readNow?.bind(store)
    if (!readNow) throw new Error('expected a store that reads at once')
    const options = {
      store,
      input,
      slice,
      format: csv(),
      readNow,
      into: (size: number) => buffer.subarray(0, size),
      windowBytes: 1_000,
    }
    const passed = await stage.addPassed({ archive: key, member: '' }, take => passRangeSlice(options, take))
    return { passed, stage }
  }
  const plain = '123,abc\n'.repeat(1_000)

  it('has its rows', async () => {
    const { passed, stage } = await pass(plain)
    expect(passed?.scan.records).toBe(1_000)
    const files = stage.finish()
    expect(look(files)).toEqual([{ kinds: ['int32', 'text'], members: [0], records: 1_000 }])
    expect(new Set((await rowsOf(files)).map(row => row.join()))).toEqual(new Set(['123,abc']))
  })

  it('is read again with a column as texts, where a later window has other fields', async () => {
    const { passed, stage } = await pass(`${plain}x,abc\n${plain}`)
    expect(passed?.scan.records).toBe(2_001)
    expect(look(stage.finish())).toEqual([{ kinds: ['text', 'text'], members: [0], records: 2_001 }])
  })

  it('is written as it is where a later window is not plain', async () => {
    const { passed, stage } = await pass(`${plain}1,a,b\n${plain}`)
    expect(passed?.scan.records).toBe(2_001)
    expect(look(stage.finish())).toEqual([{ kinds: undefined, members: [0], records: 2_001 }])
  })
})

describe('text that is staged already', () => {
  const staged = (text: string): StagedFile =>
    stageTexts([text], { parsing: undefined, name: 'given' })[0] as StagedFile

  it('is parsed in windows, and stays as it is', async () => {
    const given = Array.from({ length: 60_000 }, (_, row) => `${row},"${'é\n'.repeat(row % 30)}"\n`)
    const file = staged(given.join(''))
    const stage = stageOf()
    expect(stage.addStaged(file)).toBe(true)
    const files = stage.finish()
    expect(look(files)).toEqual([{ kinds: ['int32', 'text'], members: [0], records: 60_000 }])
    expect((await rowsOf(files)).map(([id, name]) => `${id},"${name}"\n`).join('')).toBe(given.join(''))
    stage.discard()
    expect(readdirSync(folder)).toEqual([file.file.slice(folder.length + 1)])
  })

  it('has the first field without the mark that is written before it', async () => {
    const names = { name: column.string(), id: column.int64() }
    const given = stageOf({ parsing: undefined, name: 'given' })
    given.add(Buffer.from('name,id\n'), place(0))
    given.add(Buffer.from('name,id\n\ufeffa,1\n'), place(1))
    const stage = stageOf({ parsing: parsingOf(csv(), { columns: names }) })
    expect(stage.addStaged(given.finish()[0] as StagedFile)).toBe(true)
    const files = stage.finish().map(({ file }) => `'${file}'`)
    const found = await connection.runAndReadAll(`SELECT hex(c0) FROM read_parquet([${files}])`)
    expect(found.getRows()).toEqual([[Buffer.from('\ufeffa').toString('hex').toUpperCase()]])
  })

  it('stays in its order beside text that is left to the engine', async () => {
    const given = stageOf({ parsing: undefined, name: 'given' })
    given.add(Buffer.from('id,name\r\n1\r\n'), place(0))
    given.add(Buffer.from('id,name\n2,b\n'), place(1))
    const store = openStore({ kind: 'disk', folder })
    const policies = { onNewColumn: 'fail', onMissingColumn: 'fail', onBadMember: 'fail' } as const
    const limits = { memberBytesMax: 1e9, stageBytesMax: 1e9 }
    const parsing = parsingOf(csv(), { columns })
    const options = { ...policies, ...limits, limits, store, folder, format: csv(), columns, parsing, isLocated: false }
    const { files } = await stageSlices({ kind: 'staged', staged: { slice: 0, files: given.finish() } }, options)
    expect(look(files)).toEqual([
      { kinds: undefined, members: [0], records: 1 },
      { kinds: ['int32', 'text'], members: [1], records: 1 },
    ])
  })

  it.each([
    ['is not plain', '1,a\n2\n'],
    ['has an open quote', '1,"a\n'],
    ['has no records', ''],
  ])('is left to the engine where it %s', (_what, text) => {
    const stage = stageOf()
    expect(stage.addStaged(staged(text))).toBe(false)
    expect(stage.finish()).toEqual([])
  })

  it('is left to the engine where the file has another number of records', () => {
    const file = staged('1,a\n')
    writeFileSync(file.file, '1,a\n2,b\n')
    const stage = stageOf()
    expect(stage.addStaged(file)).toBe(false)
    expect(existsSync(file.file)).toBe(true)
  })
})
