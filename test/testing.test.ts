/** `fanmill/testing`: the real steps over stores in memory. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import {
  column,
  csv,
  files,
  jsonLines,
  memberFiles,
  param,
  parquet,
  partitionsOf,
  sql,
  table,
  task,
  zipMembers,
} from '../lib/define/index.ts'
import { zipText } from '../lib/testing/zip-text.ts'
import { runTask } from '../lib/testing.ts'
import { readZip } from './read-zip.ts'

const flights = task({
  name: 'flights',
  params: { month: param.month(), carrier: param.string({ default: 'all' }) },
  source: zipMembers({ paths: 'incoming/{month}/*.zip', members: '**/*.csv', format: csv() }),
  columns: { date: column.timestamp(), carrier: column.string(), delay: column.int32(), origin: column.string() },
  tables: { airports: table('reference/airports.csv', csv()) },
  output: parquet({ path: '{task}/{carrier}/{month}', partitionBy: ['state'] }),
})
  .sql<{ state: string | null }>(
    ({ carrier }) =>
      sql`select i.*, a.state from input i left join airports a on a.iata = i.origin where ${carrier} in ('all', i.carrier)`,
  )
  .mapRows(row => ({ isLate: Number(row.delay) > 15 }), { adds: { isLate: column.boolean() } })
const airports = { 'reference/airports.csv': 'iata,state\nABE,PA\nJFK,NY\n' }
const params = { month: '2001-01' }

describe('rows', () => {
  it('are read as if they were in the format of the source', async () => {
    const given = [
      { date: new Date('2001-01-02T03:04:05Z'), carrier: 'AA', delay: 16, origin: 'ABE' },
      { date: null, carrier: 'a "quoted", text', delay: null, origin: '' },
    ]
    const { rows, rejects, manifest } = await runTask(flights, { params, rows: given, files: airports })
    expect(rows).toHaveLength(2)
    expect(rows).toContainEqual({ ...given[0], state: 'PA', isLate: true })
    expect(rows).toContainEqual({ ...given[1], state: null, isLate: false })
    expect(rejects).toEqual([])
    expect(manifest).toMatchObject({
      task: 'flights',
      partitionBy: ['state'],
      totals: { rows: 2, rowsRead: 2, parts: 2 },
    })
  })

  it('are those that a condition keeps, also one that ends in a comment, under a salted path', async () => {
    const changed = flights.with({
      output: parquet({ path: '{task}', salted: true }),
      where: sql`delay > ${10} -- minutes`,
    })
    const given = [9, 10, 11].map(delay => ({ date: null, carrier: 'AA', delay, origin: 'JFK' }))
    const { rows, manifest } = await runTask(changed, { params, rows: given, files: airports })
    expect(rows.map(row => row.delay)).toEqual([11])
    expect(manifest.totals).toMatchObject({ rowsRead: 3, rowsFiltered: 2, rows: 1 })
  })

  it('come typed: bigint for int64, text for decimal, Date for timestamps, arrays for lists', async () => {
    const typed = task({
      name: 'typed',
      source: files({ paths: '*.jsonl', format: jsonLines() }),
      columns: {
        big: column.int64(),
        price: column.decimal(10, 2),
        day: column.date(),
        at: column.timestamptz(),
        tags: column.list(column.string()),
        more: column.json(),
      },
      output: parquet({ path: '{task}' }),
    })
    const row = {
      big: 9007199254740993n,
      price: '1.50',
      day: '2001-01-02',
      at: new Date(0),
      tags: ['a', 'b'],
      more: '{"x":1}',
    }
    const { rows } = await runTask(typed, { rows: [{ ...row, more: { x: 1 } }] })
    expect(rows).toEqual([row])
  })

  it('take and return binary columns as Uint8Array', async () => {
    const bytes = task({
      name: 'bytes',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { v: column.binary() },
      output: parquet({ path: '{task}' }),
    })
    const { rows } = await runTask(bytes, { rows: [{ v: Buffer.from('café') }] })
    expect(rows).toEqual([{ v: new Uint8Array(Buffer.from('café')) }])
    await expect(runTask(bytes, { rows: [{ v: Buffer.from([0xff]) }] })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('are refused when a key is not a column of the task, which would silently become a null', async () => {
    await expect(
      runTask(flights, { params, rows: [{ delay: 1 }, { dlay: 2 }], files: airports }),
    ).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'rows[1]: expected columns of the task, got dlay; did you mean delay; give files for columns that the task does not declare',
    })
  })

  it('may have new columns when the task handles new columns', async () => {
    const strict = { ...flights, onNewColumn: 'fail' } as typeof flights
    await expect(runTask(strict, { params, rows: [{ dlay: 2 }], files: airports })).rejects.toMatchObject({
      code: 'COLUMN_NEW',
    })
  })

  it('are refused with an unknown option', async () => {
    await expect(runTask(flights, { param: params } as never)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'runTask: unknown option param; did you mean params',
    })
  })

  it('are refused for a format that rows cannot be written in', async () => {
    const none = task({
      name: 'members',
      source: zipMembers({ paths: '*.zip' }),
      output: memberFiles({ path: '{task}' }),
    })
    await expect(runTask(none, { rows: [{ a: 1 }] })).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe('files', () => {
  it('are found by the source and the tables, with archives made of their members', async () => {
    const january = {
      'a.csv': 'date,carrier,delay,origin\n2001-01-02,AA,20,JFK\n',
      'b/c.csv': 'origin,carrier,delay,date\nJFK,UA,1,\n',
      'x.txt': '?',
    }
    const { rows, manifest } = await runTask(flights, {
      params: { ...params, carrier: 'UA' },
      files: { ...airports, 'incoming/2001-01/x.zip': january, 'incoming/2001-02/y.zip': january },
    })
    expect(rows).toEqual([{ date: null, carrier: 'UA', delay: 1, origin: 'JFK', state: 'NY', isLate: false }])
    expect(manifest.totals).toMatchObject({ rowsRead: 2, rows: 1, rowsFiltered: 1 })
  })

  it('return rejects as data, with member, line and column, whatever the limit', async () => {
    const bad = { 'a.csv': 'date,carrier,delay,origin\n2001-01-02,AA,1.5,JFK\n,UA,2,\n' }
    const { rows, rejects } = await runTask(flights, { params, files: { ...airports, 'incoming/2001-01/x.zip': bad } })
    expect(rows).toHaveLength(1)
    expect(rejects).toMatchObject([
      {
        archive: 'incoming/2001-01/x.zip',
        member: 'a.csv',
        line: 2,
        record: 1,
        column: 'delay',
        expected: 'int32',
        received: '1.5',
      },
    ])
  })

  it('are returned when a memberFiles task extracts them', async () => {
    const extract = task({
      name: 'extract',
      source: zipMembers({ paths: '*.zip' }),
      output: memberFiles({ path: '{task}' }),
    })
    const result = await runTask(extract, {
      files: { 'x.zip': { 'a/b.txt': 'hello', 'c.bin': new Uint8Array([0, 1]) } },
    })
    expect(Object.keys(result.files).sort()).toEqual(['a/b.txt', 'c.bin'])
    expect(Buffer.from(result.files['a/b.txt']!).toString()).toBe('hello')
  })
})

describe('a failure', () => {
  it.each([
    ['NO_INPUT', { params, files: airports }],
    ['PARAM_INVALID', { params: { month: '2001-13' } }],
    ['COLUMN_MISSING', { params, files: { ...airports, 'incoming/2001-01/x.zip': { 'a.csv': 'date\n\n' } } }],
  ])('is thrown with its code: %s', async (code, options) => {
    await expect(runTask(flights, options)).rejects.toMatchObject({ code })
  })

  it('in a function is thrown with its message', async () => {
    const broken = task({
      name: 'broken',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { a: column.int32() },
      output: parquet({ path: '{task}' }),
    }).mapRows(
      () => {
        throw new Error('no such season')
      },
      { adds: { season: column.string() } },
    )
    await expect(runTask(broken, { rows: [{ a: 1 }] })).rejects.toThrow(/no such season/)
  })
})

describe('rows of a task that reads what another one writes', () => {
  const late = task({
    name: 'late',
    source: partitionsOf(flights, { columns: ['origin', 'delay', 'date'] }),
    output: parquet({ path: '{task}/{carrier}/{month}' }),
  }).mapRows(row => ({ isLong: (row.delay ?? 0) > 60 }), { adds: { isLong: column.boolean() } })

  it('have the types of their values', async () => {
    const date = new Date('2001-01-02T03:04:05.006Z')
    const { rows } = await runTask(late, {
      params,
      rows: [
        { origin: 'ABE', delay: 61, date },
        { origin: null, delay: 1.5, date: null },
      ],
    })
    expect(rows).toEqual([
      { origin: 'ABE', delay: 61, date, isLong: true },
      { origin: null, delay: 1.5, date: null, isLong: false },
    ])
  })

  it('are refused where no type follows from the values', async () => {
    await expect(runTask(late, { params, rows: [{ delay: 1 }, { delay: 'late' }] })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('in column delay; for other values declare the columns of the task'),
    })
  })
})

it('returns the lines that functions log', async () => {
  const chatty = task({
    name: 'chatty',
    source: files({ paths: '*.csv', format: csv() }),
    columns: { a: column.int32() },
    output: parquet({ path: '{task}' }),
  }).mapRows(
    (row, { log }) => {
      log.warn(`a is ${row.a}`)
      return { b: 1 }
    },
    { adds: { b: column.int32() } },
  )
  const { logs } = await runTask(chatty, { rows: [{ a: 1 }, { a: 2 }] })
  expect(logs).toMatchObject([
    { level: 'warn', message: 'a is 1' },
    { level: 'warn', message: 'a is 2' },
  ])
})

const mine = () => readdirSync(tmpdir()).filter(name => name.includes(`-${process.pid}-`))

it('leaves no files behind', async () => {
  const before = mine()
  await runTask(flights, { params, rows: [], files: airports }).catch(() => undefined)
  expect(mine()).toEqual(before)
})

it('writes archives that other programs read', async () => {
  const zip = zipText({ 'a.txt': 'x', 'ö/ü.txt': new Uint8Array([1, 2]) })
  expect(await readZip(zip)).toEqual([
    ['a.txt', 'x'],
    ['ö/ü.txt', '\u0001\u0002'],
  ])
})
