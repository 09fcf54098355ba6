import { describe, expect, it } from 'vitest'
import { column, files, lines } from '../../lib/define/index.ts'
import type { AnyTaskOptions } from '../../lib/define/tasks/task-options.ts'
import { buildZip } from '../zip-builder.ts'
import { convertTask, taskOf } from './converting.ts'
import { convertTexts, inZip, shown } from './text-rejects.ts'

describe('equal names in a header', () => {
  const header = 'a,note,b,note,A\n1,x,y,z,w\nbad,x,y,z,w\n'

  it('do not matter where the task does not read them', async () => {
    for (const onNewColumn of ['ignore', 'fail'] as const) {
      const done = convertTexts({ 'x.csv': header }, { onNewColumn })
      if (onNewColumn === 'fail') await expect(done).rejects.toMatchObject({ code: 'COLUMN_NEW' })
      else {
        expect((await done).rows).toEqual([{ a: '1', b: 'y' }])
        expect(shown(await done)).toEqual(['x.csv/:3#2 a: int32, bad'])
      }
    }
  })

  it.each([
    ['the task reads one of them', { columns: { note: column.string() } }],
    ['all are kept', { onNewColumn: 'keep' }],
  ] as const)('are refused with the name of the file when %s', async (_when, options) => {
    const archive = buildZip({ 'm.csv': header })
    await expect(convertTexts({ 'z.zip': archive }, { source: inZip(), ...options })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('z.zip, member m.csv: expected distinct column names in the header, got "note"'),
      detail: { archive: 'z.zip', member: 'm.csv', column: 'note' },
    })
  })

  it('are different columns when they differ in case', async () => {
    const done = await convertTexts({ 'x.csv': 'b,a,B\nx,1,y\nz,bad,w\n' }, { onNewColumn: 'keep' })
    expect(done.rows).toEqual([{ a: '1', b: 'x', _new: '{B=y}' }])
    expect(shown(done)).toEqual(['x.csv/:3#2 a: int32, bad'])
  })
})

describe('a NUL in a header', () => {
  it('does not matter, and stays in the name of a column that is kept', async () => {
    const text = 'n\0m,a,b\nv,1,x\nw,bad,y\nu,1,z,too many\n'
    for (const onNewColumn of ['ignore', 'keep'] as const) {
      const done = await convertTexts({ 'x.csv': text }, { onNewColumn })
      expect(done.rows).toMatchObject([{ a: '1', b: 'x' }])
      expect(shown(done)).toEqual(['x.csv/:3#2 a: int32, bad', 'x.csv/:4#3 : 3 fields, u,1,z,too many'])
      if (onNewColumn === 'keep') expect(done.rows[0]?._new).toBe('{n\0m=v}')
    }
  })
})

describe('a blank line of a log', () => {
  const text = 'one\n\ntwo\r\n\r\n\nthree\n'
  const read = (pattern: string, options: Partial<AnyTaskOptions> = {}) =>
    convertTexts(
      { 'x.log': text },
      { columns: { x: column.string() }, source: files({ paths: '*', format: lines({ pattern }) }), ...options },
    )

  it('is a row where the pattern matches it', async () => {
    const done = await read('(?<x>.*)', { provenance: ['_line'] })
    expect(done.rows.map(row => [row.x, row._line])).toEqual([
      ['one', '1'],
      [null, '2'],
      ['two', '3'],
      [null, '4'],
      [null, '5'],
      ['three', '6'],
    ])
    expect((await read('(?i)(?<x>\\w*)')).results[0]).toMatchObject({ recordsFound: 6, rowsWritten: 6 })
  })

  it('is skipped where the pattern does not match it', async () => {
    for (const pattern of ['(?<x>.+)', '(?<x>\\w+)\\s*']) {
      const done = await read(pattern)
      expect(done.rejects).toEqual([])
      expect(done.rows.map(row => row.x)).toEqual(['one', 'two', 'three'])
    }
  })
})

describe('a header without the declared columns', () => {
  it.each([
    ['a;b\n1;x\n', 'got the header "a;b" without a, b; set delimiter: \';\' in csv()'],
    ['a\tb\n1\tx\n', "set delimiter: '\\t' in csv()"],
    ['sep=;\na;b\n1;x\n', "set delimiter: ';' and skip: 1 in csv()"],
    [
      'a,bb\n1,x\n',
      'got the header "a,bb" without b (nearest: bb); correct the columns, or set onMissingColumn: \'null\'',
    ],
  ])('fails with the columns that were found, and the option that helps: %j', async (text, message) => {
    await expect(convertTexts({ 'x.csv': text })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringMatching(/^x\.csv: expected the columns a, b, got the header /),
    })
    await expect(convertTexts({ 'x.csv': text })).rejects.toThrow(message)
  })
})

describe('a text that another option would read', () => {
  it.each([
    [column.date(), '20240131', "date; set format: '%Y%m%d' on the column"],
    [column.date(), '1/23/20', "date; set format, such as '%m/%d/%y' or '%d/%m/%y', on the column"],
    [column.timestamp(), '31.12.2024 10:00', "timestamp; set format, such as '%d.%m.%Y', on the column"],
    [column.float64(), '"1,234.50"', 'float64; set decimalSeparator or thousandsSeparator on the column'],
    [column.time(), '25:35:00', "time; for times past 24:00 read column.int32({ duration: 'seconds' })"],
    [column.int32(), '1.5', 'int32'],
    [column.date({ format: '%d/%m/%Y' }), '1/23/2020', 'date as %d/%m/%Y'],
  ])('becomes a reject that names the option: %j %s', async (type, text, expected) => {
    const done = await convertTexts({ 'x.csv': `a,b\n${text},x\n` }, { columns: { a: type, b: column.string() } })
    expect(done.rejects.map(each => each.expected)).toEqual([expected])
  })
})

describe('lines of a log', () => {
  it('are cut by the pattern, and rejected where it does not match', async () => {
    const source = files({ paths: '*', format: lines({ pattern: /(?<host>\S+) (?<bytes>\d*) "(?<query>[^"]*)"/ }) })
    const types = { host: column.string(), bytes: column.int32(), query: column.string() }
    const done = await convertTexts(
      { 'x.log': '1.1 5 "a,b"\nbad\n2.2 999999999999 "x"\n3.3  ""' },
      { source, columns: types },
    )
    expect(shown(done)).toEqual([
      'x.log/:2#2 : a line that matches the pattern, bad',
      'x.log/:3#3 bytes: int32, 999999999999',
    ])
    expect(done.rows).toEqual([
      { host: '1.1', bytes: '5', query: 'a,b' },
      { host: '3.3', bytes: null, query: null },
    ])
  })

  it('may begin with parentheses that are text', async () => {
    const source = files({ paths: '*', format: lines({ pattern: /\(?<(?<code>\d+)>\)? (?<what>\w+)/ }) })
    const types = { code: column.int32(), what: column.string() }
    const done = await convertTexts({ 'x.log': '(<5>) up\n<6> down\n' }, { source, columns: types })
    expect(done.rows).toEqual([
      { code: '5', what: 'up' },
      { code: '6', what: 'down' },
    ])
  })
})

it('lines are those of the file also where a range of it is staged again as a part of its group', async () => {
  const rows = 160_000
  const bad = [10, 50_000, 100_000, rows - 10]
  const records = Array.from({ length: rows }, (_, row) => `${bad.includes(row) ? 'bad' : row}, "${'x'.repeat(210)}"\n`)
  const text = `a,b\n${records.join('')}`
  const inputs = { 'x.csv': text }
  const done = await convertTask(taskOf({ columns: { a: column.int32() } }), {
    inputs,
    groupBytes: Math.floor(text.length / 2) - 100_000,
  })
  expect(done.rejects.map(({ line, record }) => ({ line, record }))).toEqual(
    bad.map(row => ({ line: row + 2, record: row + 1 })),
  )
  expect(done.results[0]?.rowsWritten).toBe(rows - 4)
})
