import { describe, expect, it } from 'vitest'
import { column, files, parquetFiles, sql, zipMembers } from '../../lib/define/index.ts'
import { buildZip } from '../zip-builder.ts'
import {
  type ConversionResult,
  convertTask,
  type Inputs,
  mapRows,
  parquetOf,
  type TestTaskOptions,
  taskOf,
} from './converting.ts'

const source = files({ paths: '**/*.parquet', format: parquetFiles() })
const inZip = zipMembers({ paths: '*.zip', format: parquetFiles() })
const five = await parquetOf("select i::int as a, 'x' || i as b from range(5) t(i)")
const halves = await parquetOf('select i + 0.5::double as a, null::varchar as b from range(2) t(i)')

const convertFiles = (inputs: Inputs, options: TestTaskOptions = {}): Promise<ConversionResult> =>
  convertTask(taskOf({ source, ...options }), { inputs })

describe('Parquet files', () => {
  it('have the types of their own where no columns are said', async () => {
    const done = await convertFiles({ 'a.parquet': five, 'b.parquet': five })
    expect(done.schema).toEqual([
      { name: 'a', type: 'INTEGER' },
      { name: 'b', type: 'VARCHAR' },
    ])
    expect(done.rows).toHaveLength(10)
    expect(done.results[0]).toMatchObject({ recordsFound: 10, rowsRead: 10, members: 2 })
    expect(done.results[0]?.accounts).toEqual(
      ['a', 'b'].map(name => ({ archive: `${name}.parquet`, member: '', records: 5, rejected: 0 })),
    )
  })

  it('are transformed, with every row counted', async () => {
    const done = await convertFiles(
      { 'a.parquet': five },
      {
        transform: [
          sql`select a * 2 as d from input where b > 'x2'`,
          mapRows((row: { d: number }) => ({ d: row.d + 1 })),
        ],
      },
    )
    expect(done.rows).toEqual([{ d: '7' }, { d: '9' }])
    expect(done.results[0]).toMatchObject({ recordsFound: 5, rowsRead: 5, rowsWritten: 2 })
  })

  it('with different columns fail unless columns are declared', async () => {
    for (const groupBytes of [1, 1e8])
      await expect(
        convertTask(taskOf({ source }), { inputs: { 'a.parquet': five, 'b.parquet': halves }, groupBytes }),
      ).rejects.toMatchObject({ code: 'INPUT_INVALID', detail: { archive: 'b.parquet' } })
    const done = await convertFiles(
      { 'a.parquet': five, 'b.parquet': halves },
      { columns: { b: column.string(), a: column.float64() } },
    )
    expect(done.schema).toEqual([
      { name: 'b', type: 'VARCHAR' },
      { name: 'a', type: 'DOUBLE' },
    ])
    expect(done.rows.map(row => row.a)).toEqual(['0.0', '1.0', '2.0', '3.0', '4.0', '0.5', '1.5'])
  })

  it('with values that do not fit write their other rows, and rejects with file, row, column and value', async () => {
    const columns = { a: column.int64(), b: column.string() }
    const whole = await parquetOf("select 7.0::double as a, 'y' as b")
    const inputs = { 'a.parquet': five, 'b.parquet': halves, 'c.parquet': whole }
    for (const transform of [[], [sql`select *, 1 as one from input`]]) {
      const done = await convertFiles(inputs, { columns, transform })
      expect(done.rejects).toEqual(
        [0.5, 1.5].map((received, at) => ({
          ...{ archive: 'b.parquet', member: '', line: at + 1, record: at + 1 },
          ...{ column: 'a', expected: 'int64', received: String(received), text: '' },
        })),
      )
      expect(done.rows.map(row => row.a)).toEqual(['0', '1', '2', '3', '4', '7'])
      expect(done.results[0]).toMatchObject({ recordsFound: 8, rowsRead: 6, rowsRejected: 2, rowsWritten: 6 })
      expect(done.results[0]?.accounts.map(each => each.rejected)).toEqual([0, 2, 0])
    }
    expect((await convertFiles({ 'b.parquet': halves }, { columns, strict: false })).rows.map(row => row.a)).toEqual([
      '0',
      '2',
    ])
  })

  it.each([
    ['int8', 'select 300 as v', column.int8(), '300'],
    ['required string', 'select null::varchar as v', column.string({ required: true }), 'null'],
    ['decimal', 'select 1.005::double as v', column.decimal(5, 2), '1.005'],
    ['date', "select timestamp '2001-02-03 04:05:06' as v", column.date(), '2001-02-03 04:05:06'],
    ['int32 of a text', "select '1.5' as v", column.int32(), '1.5'],
    ['float32', 'select 1e300::double as v', column.float32(), '1e+300'],
    ['float64 of an integer', 'select 9007199254740993 as v', column.float64(), '9007199254740993'],
    [
      'timestamp of nanoseconds',
      "select timestamp_ns '2001-02-03 04:05:06.123456789' as v",
      column.timestamp(),
      '2001-02-03 04:05:06.123456789',
    ],
  ])('have rejects where %s would lose digits or characters', async (_name, query, type, received) => {
    const done = await convertFiles({ 'a.parquet': await parquetOf(query) }, { columns: { v: type } })
    expect(done.rejects).toMatchObject([{ column: 'v', received }])
    expect(done.rows).toEqual([])
  })

  it('without a required column have a reject for each row', async () => {
    const columns = { a: column.int32(), z: column.string({ required: true }) }
    const done = await convertFiles({ 'a.parquet': five }, { columns, onMissingColumn: 'null' })
    expect(done.results[0]).toMatchObject({ recordsFound: 5, rowsRead: 0, rowsRejected: 5 })
    expect(done.rejects[0]).toMatchObject({ column: 'z', expected: 'required string', received: 'null' })
  })

  it('have texts that stand for null', async () => {
    const texts = await parquetOf("select * from (values ('NA', '1', 1), ('x', 'NA', 2), ('NA', 'NA', 3)) t(s, n, i)")
    const columns = {
      s: column.string({ nullValues: ['NA'] }),
      n: column.int32({ required: true, nullValues: ['NA'] }),
      i: column.int32({ nullValues: ['NA'] }),
    }
    const done = await convertFiles({ 'a.parquet': texts }, { columns })
    expect(done.rows).toEqual([{ s: null, n: '1', i: '1' }])
    expect(done.rejects.map(({ line, column, received }) => [line, column, received])).toEqual([
      [2, 'n', 'NA'],
      [3, 'n', 'NA'],
    ])
  })

  it('convert where nothing is lost', async () => {
    const query =
      "select 5::bigint as i, 1.50::decimal(18,4) as d, date '2001-02-03' as t, '7' as n, 0.1::double as f, 42 as s"
    const columns = {
      i: column.int8(),
      d: column.decimal(5, 1),
      t: column.timestamp(),
      n: column.int32(),
      f: column.float32(),
      s: column.string(),
    }
    expect((await convertFiles({ 'a.parquet': await parquetOf(query) }, { columns })).rows).toEqual([
      { i: '5', d: '1.5', t: '2001-02-03 00:00:00', n: '7', f: '0.1', s: '42' },
    ])
  })

  it('without a declared column fail, or have nulls; new columns are ignored, kept or refused', async () => {
    const columns = { aa: column.int32(), b: column.string() }
    await expect(convertFiles({ 'a.parquet': five }, { columns })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('aa (nearest: a)'),
    })
    const kept = await convertFiles({ 'a.parquet': five }, { columns, onMissingColumn: 'null', onNewColumn: 'keep' })
    expect(kept.rows[0]).toEqual({ aa: null, b: 'x0', _new: '{a=0}' })
    await expect(
      convertFiles({ 'a.parquet': five }, { columns: { a: column.int32() }, onNewColumn: 'fail' }),
    ).rejects.toMatchObject({ code: 'COLUMN_NEW', detail: { added: ['b'] } })
  })

  it('fail with INPUT_INVALID and the file name when a file is not Parquet', async () => {
    for (const columns of [undefined, { a: column.int32() }])
      await expect(
        convertFiles({ 'a.parquet': five, 'no.parquet': 'nonsense' }, columns ? { columns } : {}),
      ).rejects.toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining('no.parquet: expected a Parquet file'),
      })
  })

  it('in archives tell their member and row', async () => {
    const archive = buildZip({ 'm/a.parquet': five, 'm/b.parquet': halves })
    const done = await convertTask(
      taskOf({
        source: inZip,
        columns: { a: column.float64() },
        provenance: ['_archive', '_member', '_line'],
        transform: sql`select * from input where a > 2`,
      }),
      { inputs: { 'z.zip': archive } },
    )
    expect(done.rows.map(row => `${row.a} ${row._archive} ${row._member} ${row._line}`)).toEqual([
      '3.0 z.zip m/a.parquet 4',
      '4.0 z.zip m/a.parquet 5',
    ])
    expect(done.results[0]?.accounts).toMatchObject([
      { member: 'm/a.parquet', records: 5 },
      { member: 'm/b.parquet', records: 2 },
    ])
  })

  it('tell their member to functions', async () => {
    const from = mapRows((_row: unknown, { member }) => ({ from: member }), { adds: { from: column.string() } })
    const { rows } = await convertTask(taskOf({ source: inZip, columns: { a: column.float64() }, transform: from }), {
      inputs: { 'z.zip': buildZip({ 'a.parquet': five, 'b.parquet': halves }) },
    })
    expect(rows.map(row => row.from)).toEqual([...Array(5).fill('a.parquet'), ...Array(2).fill('b.parquet')])
    const beside = await convertTask(taskOf({ source: inZip, columns: { a: column.int32() }, transform: from }), {
      inputs: { 'z.zip': buildZip({ 'a.parquet': five, 'b.parquet': halves, 'c.parquet': five }) },
    })
    expect(beside.rows.map(row => row.from)).toEqual([...Array(5).fill('a.parquet'), ...Array(5).fill('c.parquet')])
    expect(beside.rejects.map(({ member, line }) => [member, line])).toEqual([
      ['b.parquet', 1],
      ['b.parquet', 2],
    ])
  })

  it('may have columns filename and file_row_number of their own, which place no row', async () => {
    const own = await parquetOf("select 'mine' as filename, v from (values ('1'), ('bad')) t(v)")
    const columns = { filename: column.string(), v: column.int32() }
    const done = await convertFiles({ 'a.parquet': own }, { columns, provenance: ['_archive'] })
    expect(done.rows).toEqual([{ filename: 'mine', v: '1', _archive: 'a.parquet' }])
    expect(done.rejects.map(({ archive, line }) => [archive, line])).toEqual([['a.parquet', 2]])
    const numbered = await parquetOf('select 1 as file_row_number')
    expect((await convertFiles({ 'n.parquet': numbered })).rows).toEqual([{ file_row_number: '1' }])
  })

  it('name file and member where a function throws', async () => {
    const failing = mapRows((row: { a: number }) => {
      if (row.a === 1.5) throw new Error('no')
      return {}
    })
    await expect(
      convertTask(taskOf({ source: inZip, columns: { a: column.float64() }, transform: failing }), {
        inputs: { 'z.zip': buildZip({ 'a.parquet': five, 'b.parquet': halves }) },
      }),
    ).rejects.toMatchObject({ code: 'TRANSFORM_FAILED', detail: { archive: 'z.zip', member: 'b.parquet' } })
  })
})
