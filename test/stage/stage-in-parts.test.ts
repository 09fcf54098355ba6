import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { column, csv, files, sql, zipMembers } from '../../lib/define/index.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { convertTask, mapRows, taskOf } from '../engine/converting.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'

const columns = { a: column.int32(), b: column.string() }
const rowCount = 12_000
const filler = 'x'.repeat(2000)
const rows = Array.from({ length: rowCount }, (_, index) => `${index},${filler}\n`)
const text = `a,b\n${rows.join('')}`
const withBad = `a,b\n${rows.join('').replace('\n11900,', '\n11900x,').replace('\n1000,', '\n1000x,')}`
/** Less than one piece of the text, so that each piece is a part. */
const groupBytes = 4 * 1024 * 1024

const thousand = (index: number): number[] => Array.from({ length: 1000 }, (_, row) => index * 1000 + row)

describe('a small input that inflates to much text', () => {
  const inputs = {
    'a gzip file': [{ 'x.csv.gz': gzipSync(text) }, files({ paths: '*.gz', format: csv() })],
    'a zstd file': [{ 'x.csv.zst': zstdCompressSync(text) }, files({ paths: '*.zst', format: csv() })],
    'a compressed member': [
      { 'z.zip': buildZip({ 'm.csv': 'a,b\n-1,m\n', 'x.csv.gz': gzipSync(text) }) },
      zipMembers({ paths: '*.zip', format: csv() }),
    ],
    'a compressed member where bad ones are skipped': [
      { 'z.zip': buildZip({ 'x.csv.gz': gzipSync(text), 'bad.csv.gz': gzipSync(text).subarray(0, 9000) }) },
      zipMembers({ paths: '*.zip', format: csv(), onBadMember: 'skip' }),
    ],
  } as const

  it.each(Object.entries(inputs))(
    'is converted in parts from %s, and never in memory as a whole',
    async (_name, given) => {
      const [content, source] = given
      const counted = sql`select a from input`
      const done = await convertTask(taskOf({ columns, source, transform: counted }), { inputs: content, groupBytes })
      const extra =
        'm.csv' in content ||
        (Object.keys(content)[0] === 'z.zip' && source.kind === 'zipMembers' && source.onBadMember === 'fail')
          ? 1
          : 0
      expect(done.results[0]).toMatchObject({
        recordsFound: rowCount + extra,
        rowsRead: rowCount + extra,
        members: 1 + extra,
      })
      expect(done.parts.length).toBeGreaterThan(2)
      expect(new Set(done.rows.map(row => row.a)).size).toBe(rowCount + extra)
      expect(done.results[0]?.bytesInflated).toBeGreaterThanOrEqual(text.length - 4)
    },
  )

  it('is converted in parts from a compressed tar archive of many members', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `${index}.csv`)
    const of = (index: number) => `a,b\n${rows.slice(index * 1000, (index + 1) * 1000).join('')}`
    const archive = gzipSync(buildTar(Object.fromEntries(names.map((name, index) => [name, of(index)]))))
    const task = taskOf({
      columns,
      source: zipMembers({ paths: '*.tgz', format: csv() }),
      transform: sql`select a from input`,
    })
    const done = await convertTask(task, { inputs: { 'a.tgz': archive }, groupBytes })
    expect(done.results[0]).toMatchObject({ recordsFound: rowCount, rowsRead: rowCount, members: 12 })
    expect(done.parts.length).toBeGreaterThan(1)
    expect(new Set(done.rows.map(row => row.a)).size).toBe(rowCount)
  })

  it('is read again from its beginning twice at most, and staged a piece at a time, where each part has rejects', async () => {
    const names = Array.from({ length: 48 }, (_, index) => `${index}.csv`)
    const source = zipMembers({ paths: '*.tgz', format: csv() })
    const convert = async (end: string) => {
      const of = (index: number) => `a,b\n${rows.slice(index * 1000, (index + 1) * 1000).join('')}${end}`
      const archive = gzipSync(buildTar(Object.fromEntries(names.map((name, index) => [name, of(index % 12)]))))
      const store = memoryStore()
      const given = { inputs: { 'a.tgz': archive }, groupBytes, store, stageBytesMax: 24 * 1024 * 1024 }
      const done = await convertTask(taskOf({ columns, source, transform: sql`select a from input` }), given)
      return { ...done, timesRead: store.counts.bytesRead / archive.length }
    }
    const done = await convert('x,y\n')
    expect(done.rejects.map(({ member, line }) => [member, line])).toEqual(names.map(name => [name, 1002]))
    expect(done.rows.map(({ a }) => Number(a))).toEqual(names.flatMap((_, index) => thousand(index % 12)))
    expect(done.results[0]).toMatchObject({ recordsFound: 48_048, rowsRead: 48_000, rowsRejected: 48, members: 48 })
    expect(done.timesRead).toBeLessThanOrEqual((await convert('')).timesRead + 2)
  })

  it('has rejects with the lines of the whole file, and passes the member to map functions', async () => {
    const archive = buildZip({ 'm.csv': 'a,b\n-1,m\n', 'x.csv.gz': gzipSync(withBad) })
    const map = mapRows((_row, ctx) => ({ b: ctx.member }), {})
    const task = taskOf({ columns, source: zipMembers({ paths: '*.zip', format: csv() }), transform: map })
    const done = await convertTask(task, { inputs: { 'z.zip': archive }, groupBytes })
    expect(done.rejects.map(({ member, line, column: name }) => [member, line, name])).toEqual([
      ['x.csv.gz', 1002, 'a'],
      ['x.csv.gz', 11_902, 'a'],
    ])
    expect(done.results[0]).toMatchObject({
      recordsFound: rowCount + 1,
      rowsRead: rowCount - 1,
      rowsRejected: 2,
      members: 2,
    })
    const accounts = done.results[0]?.accounts ?? []
    expect(accounts.reduce((sum, { records }) => sum + records, 0)).toBe(rowCount + 1)
    expect(accounts.reduce((sum, { rejected }) => sum + rejected, 0)).toBe(2)
    expect(new Set(done.rows.map(row => row.b))).toEqual(new Set(['m.csv', 'x.csv.gz']))
  })
})
