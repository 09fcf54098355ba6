/** Columns that stand in the paths of inputs, in every format, as files and in archives. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Format } from '../../lib/define/definition.ts'
import { column, csv, files, jsonLines, lines, parquet, parquetFiles, sql, zipMembers } from '../../lib/define/index.ts'
import { buildZip } from '../zip-builder.ts'
import { convertTask, type Inputs, parquetOf, taskOf } from './converting.ts'

const source = (format: Format, options = {}) => files({ paths: '**/*', format, ...options })
const rowParquet = await parquetOf('select 1 as id union all select 2')
const contents: readonly (readonly [string, Format, string | Uint8Array])[] = [
  ['csv', csv(), 'id\n1\n2\n'],
  ['csv by position', csv({ header: false }), '1\n2\n'],
  ['JSON lines', jsonLines(), '{"id":1}\n{"id":2}\n'],
  ['lines', lines({ pattern: '(?<id>\\d+)' }), '1\n2\n'],
  ['Parquet', parquetFiles(), rowParquet],
]

const run = (inputs: Inputs, options: object, shares?: number) =>
  convertTask(taskOf(options), { inputs, ...(shares && { shares }) })

describe('columns in the paths of inputs', () => {
  it.each(contents)('of %s have their declared types; undeclared ones are strings', async (_name, format, content) => {
    const inputs = { 'year=2023/state=N%20Y/a': content, 'year=2024/state=__HIVE_DEFAULT_PARTITION__/b': content }
    const columns = { id: column.int32(), year: column.int16({ required: true }) }
    const done = await run(inputs, { source: source(format), columns })
    expect(done.schema).toEqual([
      { name: 'id', type: 'INTEGER' },
      { name: 'year', type: 'SMALLINT' },
      { name: 'state', type: 'VARCHAR' },
    ])
    expect(done.rows).toEqual([
      { id: '1', year: '2023', state: 'N Y' },
      { id: '2', year: '2023', state: 'N Y' },
      { id: '1', year: '2024', state: null },
      { id: '2', year: '2024', state: null },
    ])
  })

  it.each(contents)('of %s make rejects where they do not fit', async (_name, format, content) => {
    const inputs = { 'year=2023/a': content, 'year=soon/b': content }
    const columns = { id: column.int32(), year: column.int16() }
    const done = await run(inputs, { source: source(format), columns, transform: [sql`select * from input`] })
    expect(done.rows.map(row => row.year)).toEqual(['2023', '2023'])
    expect(done.rejects).toMatchObject(
      [1, 2].map(record => ({ archive: 'year=soon/b', record, column: 'year', expected: 'int16', received: 'soon' })),
    )
  })

  it.each(contents.filter(([name]) => !['lines', 'csv by position'].includes(name)))(
    'of %s are refused where the file has them too',
    async (_name, format, content) => {
      const columns = { id: column.int32() }
      await expect(run({ 'id=1/a': content }, { source: source(format), columns })).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('expected column id in the path or in the file, got it in both'),
      })
    },
  )

  it('are refused with the file where Parquet whose columns are not declared has them too', async () => {
    await expect(run({ 'id=1/a': rowParquet }, { source: source(parquetFiles()) })).rejects.toThrow(
      'id=1/a: expected column id in the path or in the file, got it in both',
    )
  })

  it.each(contents)(
    'of %s are refused where a column has their name in another case',
    async (_name, format, content) => {
      const columns = { id: column.int32() }
      await expect(run({ 'ID=1/a': content }, { source: source(format), columns })).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('whose names differ in more than case, got id and ID'),
      })
    },
  )

  it.each(contents)('of %s are ignored with hive: false', async (_name, format, content) => {
    const columns = { id: column.int32() }
    const done = await run({ 'year=2023/a': content }, { source: source(format, { hive: false }), columns })
    expect(done.rows).toEqual([{ id: '1' }, { id: '2' }])
  })

  it('stand in the path of an archive for all its members', async () => {
    const inArchives = zipMembers({ paths: '**/*.zip', format: csv() })
    const inputs = { 'day=2024-01-31/a.zip': buildZip({ 'x=1/a.csv': 'id\n1\n', 'b.csv': 'id\n2\n' }) }
    const columns = { id: column.int32(), day: column.date() }
    expect((await run(inputs, { source: inArchives, columns })).rows).toEqual([
      { id: '1', day: '2024-01-31' },
      { id: '2', day: '2024-01-31' },
    ])
  })

  it('come beside those of Parquet files when no columns are declared, and are for the transform to use', async () => {
    const inputs = { 'p=a/x.parquet': rowParquet, 'p=b/y.parquet': rowParquet }
    const transform = [sql`select id, upper(p) as p from input where p <> 'a'`]
    const done = await run(inputs, { source: source(parquetFiles()), transform })
    expect(done.rows).toEqual([
      { id: '1', p: 'B' },
      { id: '2', p: 'B' },
    ])
  })

  it('may be in the path of some files and in the text of others where they are declared', async () => {
    const inputs = { 'year=2023/a.csv': 'id\n1\n', 'old/b.csv': 'id,year\n2,1999\n' }
    const columns = { id: column.int32(), year: column.int16() }
    const done = await run(inputs, { source: source(csv()), columns })
    expect(done.rows.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([
      { id: '1', year: '2023' },
      { id: '2', year: '1999' },
    ])
    await expect(run(inputs, { source: source(csv()), columns: { id: column.int32() } })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(
        'year=2023/a.csv: expected the columns none in its path as in old/b.csv, got year',
      ),
    })
  })

  it('are read in large compressed files, which are cut into pieces', async () => {
    const rows = Array.from({ length: 1000 }, (_, index) => `${index}\n`).join('')
    const columns = { id: column.int32(), year: column.int16() }
    const done = await run({ 'year=2023/a.gz': gzipSync(`id\n${rows}`) }, { source: source(csv()), columns })
    expect(done.rows).toHaveLength(1000)
    expect(done.rows.at(-1)).toEqual({ id: '999', year: '2023' })
  })
})

it('partitions rows rightly when a column stands in the path of some files and inside others', async () => {
  const definition = taskOf({
    columns: { id: column.int32(), year: column.int32() },
    output: parquet({ path: 'out', partitionBy: ['year'] }),
  })
  const inputs = {
    'a/year=2024/1.csv': 'id\n1\n',
    'b.csv': 'id,year\n2,2030\n3,2031\n',
    'c/year=2025/2.csv': 'id\n4\n5\n',
    'd.csv': 'id,year\n6,2024\n',
  }
  const done = await convertTask(definition, { inputs, groupBytes: 1 })
  const found = done.parts.map(({ partition, rows }) => [partition?.year, rows])
  expect(found.sort()).toEqual([
    ['2024', 1],
    ['2024', 1],
    ['2025', 2],
    ['2030', 1],
    ['2031', 1],
  ])
})

it('fails with COLUMN_MISSING, and not with nulls, for a column that stands in the path of a Parquet file alone under hive: false', async () => {
  const columns = { id: column.int32(), year: column.int32() }
  const task = taskOf({ source: source(parquetFiles(), { hive: false }), columns })
  await expect(convertTask(task, { inputs: { 'year=2024/a.parquet': rowParquet } })).rejects.toMatchObject({
    code: 'COLUMN_MISSING',
  })
})
