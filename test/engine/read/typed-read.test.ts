import { describe, expect, it } from 'vitest'
import { column, csv, files, parquetFiles, sql } from '../../../lib/define/index.ts'
import { convertTask, parquetOf, taskOf } from '../converting.ts'

const count = 1200
const names = Array.from({ length: count }, (_, index) => `c${index}`)
const columns = Object.fromEntries(names.map((name, index) => [name, index % 2 ? column.int32() : column.string()]))
const transform = sql`select c0, c1199 from input`
const header = names.join(',')
const row = names.map((_, index) => index).join(',')
const nulls = ','.repeat(count - 1)

describe('more than a thousand columns', () => {
  it('are read and checked, whatever the transform uses', async () => {
    const bad = names.map((_, index) => (index === 601 ? 'x' : index)).join(',')
    const done = await convertTask(taskOf({ source: files({ paths: '*', format: csv() }), columns, transform }), {
      inputs: { 'x.csv': `${header}\n${row}\n${nulls}\n${bad}\n` },
    })
    expect(done.rejects).toMatchObject([{ line: 4, column: 'c601', expected: 'int32', received: 'x' }])
    expect(done.rows).toEqual([
      { c0: '0', c1199: '1199' },
      { c0: null, c1199: null },
    ])
  })

  it('are read by the fast reading when all fit, also nulls', async () => {
    const done = await convertTask(taskOf({ source: files({ paths: '*', format: csv() }), columns, transform }), {
      inputs: { 'x.csv': `${header}\n${row}\n${nulls}\n` },
    })
    expect(done.results[0]).toMatchObject({ rowsRead: 2, rowsRejected: 0 })
    expect(done.rows).toHaveLength(2)
  })

  it('are read from Parquet', async () => {
    const content = await parquetOf(
      `select ${names.map((name, index) => `nullif(i, 1) + ${index} as ${name}`).join(', ')} from range(2) r(i)`,
    )
    const done = await convertTask(taskOf({ source: files({ paths: '*', format: parquetFiles() }), transform }), {
      inputs: { 'x.parquet': content },
    })
    expect(done.rows).toEqual([
      { c0: '0', c1199: '1199' },
      { c0: null, c1199: null },
    ])
  })
})

describe('hundreds of columns in the smallest engine', () => {
  const wide = Array.from({ length: 450 }, (_, index) => `w${index}`)
  const types = Object.fromEntries(wide.map((name, index) => [name, index % 3 ? column.int32() : column.string()]))
  const line = (row: number): string =>
    wide.map((_, index) => (index % 3 ? (row * index) % 997 : `s${(row + index) % 89}`)).join()
  const rows = Array.from({ length: 5_000 }, (_, row) => line(row))
  const engineBytes = 128 * 1024 * 1024

  it.each([
    ['where all rows fit', rows, 0],
    ['beside a row that does not fit', [...rows, line(1).replace(/,[0-9]+/, ',x')], 1],
  ] as const)('are written %s', async (_when, given, rejected) => {
    const done = await convertTask(
      taskOf({ columns: types, transform: sql`select * from input`, rejects: { max: 1 } }),
      {
        inputs: { 'x.csv': `${wide.join()}\n${given.join('\n')}\n` },
        engineBytes,
      },
    )
    expect(done.results[0]).toMatchObject({ rowsRead: 5_000, rowsRejected: rejected, rowsWritten: 5_000 })
    expect(Object.values(done.rows[4_999] ?? {}).join()).toBe(rows[4_999])
  })
})
