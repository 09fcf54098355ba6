/** The first rows of a task, read from the beginning of its first input. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { type PreviewOptions, preview as previewOf } from '../../lib/local/preview/preview.ts'
import { watchFiles } from '../../lib/local/preview/watch-files.ts'
import { buildZip } from '../zip-builder.ts'
import { type Project, project } from './project.ts'

const pipeline = `
import { column, count, csv, files, joinOf, memberFiles, param, parquet, parquetFiles, partitionsOf, pipeline, rowsFrom, sink, sql, task, zipMembers } from 'fanmill'
const columns = { id: column.int32({ required: true }), city: column.string(), total: column.decimal(10, 2) }
const raw = zipMembers({ paths: 'in/*.zip', members: '*.csv', format: csv() })
const sales = task({ name: 'sales', source: raw, columns, output: parquet({ path: 'sales', partitionBy: ['city'] }) })
  .sql\`select *, total > 100 as isLarge from input where city <> 'Bern'\`
  .mapRows(row => ({ city: row.city.toUpperCase() }))
const packed = task({ name: 'packed', params: { day: param.date() }, source: files({ paths: 'day={day}/*.csv.gz', format: csv() }), columns, output: sink({ write: () => { throw new Error('called') } }) })
const large = task({ name: 'large', source: partitionsOf(sales), output: parquet({ path: 'large' }) })
  .sql\`select id, city from input where isLarge\`
const joined = task({ name: 'joined', source: joinOf({ left: sales, right: large }, { on: { id: 'id' }, prefix: 'large_' }), output: parquet({ path: 'joined' }) })
const plain = task({ name: 'plain', source: files({ paths: 'sales/**/*.parquet', format: parquetFiles() }), output: parquet({ path: 'plain' }) })
const byCity = task({ name: 'by-city', source: raw, columns, output: parquet({ path: 'by-city' }) })
  .reduce({ by: ['city'], measures: { rows: count() } })
const rare = task({ name: 'rare', source: raw, columns, output: parquet({ path: 'rare' }) }).sql\`select * from input where id = 300000\`
const api = task({ name: 'api', source: rowsFrom({ partitions: ['a', 'b'], async *rows(letter) { for (let id = 0; ; id++) yield { id, letter } } }), columns: { id: column.int32(), letter: column.string() }, output: parquet({ path: 'api' }) })
const extracted = task({ name: 'extracted', source: zipMembers({ paths: 'in/*.zip' }), output: memberFiles({ path: 'extracted' }) })
export default pipeline({ name: 'shop', tasks: [joined, sales, packed, large, plain, byCity, rare, api, extracted] })
`
const cities = ['Oslo', 'Rome', 'Bern']
const row = (id: number) => `${id},${cities[id % 3]},${id}.50\n`
const text = (count: number) => `id,city,total\n${Array.from({ length: count }, (_, index) => row(index)).join('')}`

let some: Project
const preview = (options: Omit<PreviewOptions, 'input' | 'output'>) =>
  previewOf(join(some.folder, 'pipeline.ts'), { input: some.folder, output: some.out, ...options })

beforeAll(() => {
  some = project(pipeline, {
    'in/a.zip': buildZip({
      'empty.csv': '',
      'big.csv': `id,city,total\n1,Oslo,120.5\nx,Rome,2\n${text(400_000).slice(14)}`,
    }),
    'in/b.zip': Buffer.from('no archive, and never opened'),
    'day=2024-01-05/a.csv.gz': gzipSync(text(3)),
  })
})

describe('preview', () => {
  it('shows the first rows after all steps with types, and rejects with reasons, from the beginning of the first member', async () => {
    some.write({ 'in/b.zip': buildZip({ 'other.csv': text(1) }) })
    const shown = await preview({ task: 'sales', rows: 3 })
    expect(shown).toMatchObject({
      node: 'sales',
      step: 2,
      place: { archive: 'in/a.zip', member: 'big.csv' },
      isWhole: false,
      columns: [
        { name: 'id', type: 'int32' },
        { name: 'city', type: 'string' },
        { name: 'total', type: 'decimal(10, 2)' },
        { name: 'isLarge', type: 'boolean' },
      ],
      rows: [
        ['1', 'OSLO', '120.50', 'true'],
        ['0', 'OSLO', '0.50', 'false'],
        ['1', 'ROME', '1.50', 'false'],
      ],
      recordsRejected: 1,
      rejects: [{ archive: 'in/a.zip', member: 'big.csv', line: 3, column: 'id', received: 'x' }],
    })
    expect(shown.recordsRead).toBeLessThan(40_000)
    expect(existsSync(some.out)).toBe(false)
  })

  it('shows the rows after a step, and as they are read', async () => {
    expect((await preview({ task: 'sales', rows: 1, step: 1 })).rows).toEqual([['1', 'Oslo', '120.50', 'true']])
    expect((await preview({ task: 'sales', rows: 1, step: 0 })).rows).toEqual([['1', 'Oslo', '120.50']])
    await expect(preview({ task: 'sales', step: 3 })).rejects.toMatchObject({
      code: 'USAGE',
      message: 'step: expected a number from 0 to 2, the steps of task sales, got 3',
    })
  })

  it('reads more of the member where its beginning gives too few rows', async () => {
    expect((await preview({ task: 'rare', rows: 1 })).rows).toEqual([['300000', 'Oslo', '300000.50']])
  })

  it('shows compressed files with the columns of their paths, and calls no sink', async () => {
    const shown = await preview({ task: 'packed', params: { day: '2024-01-05' } })
    expect(shown).toMatchObject({
      isWhole: true,
      recordsRead: 3,
      rows: [['0', 'Oslo', '0.50', '2024-01-05'], [], []].map(given => (given.length > 0 ? given : expect.anything())),
    })
    expect(shown.notes).toEqual(['the rows are not given to the function of the sink'])
  })

  it('shows tasks with exchanges over what was read, and says so', async () => {
    const shown = await preview({ task: 'by-city' })
    expect(shown.rows.map(([city]) => city).sort()).toEqual(['Bern', 'Oslo', 'Rome'])
    expect(shown.notes).toEqual(['reduce by city: over the records that were read here, so that a run has other rows'])
  })

  it('takes some rows of a function that yields without end', async () => {
    expect(await preview({ task: 'api', rows: 2 })).toMatchObject({
      rows: [
        ['0', 'a'],
        ['1', 'a'],
      ],
      recordsRead: 1000,
    })
  })

  it('refuses a task that has no rows', async () => {
    await expect(preview({ task: 'extracted' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('says which task has to run before one that reads its rows, and shows these when it has', async () => {
    await expect(preview({ task: 'large' })).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: expect.stringMatching(/run sales first/),
    })
    await some.run({ task: 'sales', rejectsMax: 1 })
    const before = some.outputFiles()
    const shown = await preview({ task: 'large', rows: 1 })
    expect(shown).toMatchObject({
      columns: [{ name: 'id' }, { name: 'city' }],
      place: { archive: expect.stringMatching(/^sales\/city=/) },
    })
    const parquet = await previewOf(join(some.folder, 'pipeline.ts'), {
      task: 'plain',
      input: some.out,
      output: `${some.out}2`,
      rows: 1,
    })
    expect(parquet.columns.map(({ name }) => name)).toEqual(['id', 'total', 'isLarge', 'city'])
    expect(some.outputFiles()).toEqual(before)
    await some.run({ task: 'large' })
    const joined = await preview({ task: 'joined', rows: 1 })
    expect(joined.rows).toHaveLength(1)
    expect(joined.notes).toEqual(['one part of each side was joined, so that rows of the other parts are missing'])
  })
})

it('waits until one of the watched files is saved, also by an editor that puts a new file in its place', async () => {
  const { saved } = watchFiles([join(some.folder, 'pipeline.ts'), join(some.folder, 'in/a.zip')])
  some.write({ 'beside.ts': '', 'pipeline.ts': `${pipeline}\n` })
  await saved
  const stopped = new AbortController()
  const { saved: never } = watchFiles([join(some.folder, 'pipeline.ts')], stopped.signal)
  stopped.abort(new Error('ended'))
  await expect(never).rejects.toThrow('ended')
})
