import { describe, expect, it } from 'vitest'
import { column, csv, files, parquetFiles, sql } from '../../lib/define/index.ts'
import { convertTask, parquetOf, taskOf } from './converting.ts'

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

  it('are read the first time where all fit, nulls as well', async () => {
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
