import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, sql } from '../../lib/define/index.ts'
import { buildZip } from '../zip-builder.ts'
import { convertTask, taskOf } from './converting.ts'
import { columns, convertTexts, inZip, shown } from './text-rejects.ts'

describe('a reject', () => {
  it('names archive, member, line, record, column, what was expected and what came', async () => {
    const archive = buildZip({
      'dir/one.csv': 'a,b\r\n1,x\r\n2x,y\r\n',
      'two.csv': 'b,a\n"p\nq",1\nr,1.5\n\n"s\n\nt",99999999999\n',
    })
    const done = await convertTexts({ 'z.zip': archive }, { source: inZip() })
    expect(shown(done)).toEqual([
      'z.zip/dir/one.csv:3#2 a: int32, 2x',
      'z.zip/two.csv:4#2 a: int32, 1.5',
      'z.zip/two.csv:6#3 a: int32, 99999999999',
    ])
    expect(done.rows).toEqual([
      { a: '1', b: 'x' },
      { a: '1', b: 'p\nq' },
    ])
    expect(done.results[0]).toMatchObject({ recordsFound: 5, rowsRead: 2, rowsRejected: 3, rowsWritten: 2 })
    // The first ones travel in events and state, which hold no whole records.
    expect(done.results[0]?.firstRejects).toEqual(done.rejects.map(({ text: _, ...reject }) => reject))
    expect(
      done.results[0]?.accounts.map(({ member, records, rejected }) => [member, records, rejected]).sort(),
    ).toEqual([
      ['dir/one.csv', 2, 1],
      ['two.csv', 3, 2],
    ])
  })

  it('is written once for a record, with its first misfit in the order of the columns', async () => {
    const types = { a: column.int32(), d: column.date({ required: true }) }
    expect(
      shown(await convertTexts({ 'x.csv': 'd,a\n,x\n2001-02-30,y\n,1\n2001-02-03,1\n' }, { columns: types })),
    ).toEqual(['x.csv/:2#1 a: int32, x', 'x.csv/:3#2 a: int32, y', 'x.csv/:4#3 d: required date, null'])
  })

  it('shows at most 200 characters', async () => {
    const [reject] = (await convertTexts({ 'x.csv': `a,b\n${'é'.repeat(1000)},x\n` })).rejects
    expect(reject?.received).toBe('é'.repeat(200))
  })

  it('is written for a record with other fields than its header', async () => {
    const done = await convertTexts({ 'x.csv': 'a,b\n1\n2,x,y\n"3\n4",x,"y,z",\n5,ok\n' })
    expect(shown(done)).toEqual([
      'x.csv/:2#1 : 2 fields, 1',
      'x.csv/:3#2 : 2 fields, 2,x,y',
      'x.csv/:4#3 : 2 fields, "3\n4",x,"y,z",',
    ])
    expect(done.rows).toEqual([{ a: '5', b: 'ok' }])
  })

  it('is written for a record with other fields also where all columns are strings', async () => {
    const done = await convertTexts(
      { 'x.csv': 'a,b\n1\n2,x\n' },
      { columns: { a: column.string(), b: column.string() } },
    )
    expect(shown(done)).toEqual(['x.csv/:2#1 : 2 fields, 1'])
    expect(done.rows).toEqual([{ a: '2', b: 'x' }])
  })

  it('is written for a record that is not UTF-8', async () => {
    const text = Buffer.concat([Buffer.from('a,b\n1,x\n2,'), Buffer.from([0xff, 0xfe]), Buffer.from('\n3,y\n')])
    const done = await convertTexts({ 'x.csv': text })
    const received = '2,\ufffd\ufffd'
    expect(done.rejects).toMatchObject([
      { line: 3, record: 2, column: 'b', expected: 'UTF-8, or encoding in csv()', received },
    ])
    expect(done.rows.map(row => row.a)).toEqual(['1', '3'])
  })

  it.each([
    ['beside a column that the task does not declare', 'c,a,b\nz,1,x\nz,2,é\nz,3,y\n', {}],
    ['in a column that the task does not declare', 'b,c,a\nx,z,1\nx,é,2\ny,z,3\n', {}],
    ['where provenance is asked for', 'a,b\n1,x\n2,é\n3,y\n', { provenance: ['_line'] }],
    [
      'in what a transform does not read',
      'c,a,b\nz,1,x\nz,2,é\nz,3,y\n',
      { transform: sql`select a from input`, onNewColumn: 'keep' },
    ],
  ] as const)('is written for a record that is not UTF-8 %s', async (_where, text, options) => {
    const done = await convertTexts({ 'x.csv': Buffer.from(text, 'latin1') }, options)
    expect(done.rejects).toMatchObject([{ line: 3, record: 2, expected: 'UTF-8, or encoding in csv()' }])
    expect(done.rows.map(row => row.a)).toEqual(['1', '3'])
  })

  it.each(['é', '€', '𝄞'])('is not written for %s in UTF-8, wherever a piece of the text ends', async character => {
    const records = `,1,${character.repeat(1000)}\n`.repeat(1000)
    for (const padding of ['', 'x', 'xx', 'xxx']) {
      const done = await convertTexts({ 'x.csv': `c,a,b\n${padding}${records}` }, { columns: { a: column.int32() } })
      expect(done.results[0]).toMatchObject({ rowsRead: 1000, rowsRejected: 0 })
    }
  })

  it('is written for a record that is not UTF-8 megabytes after the text begins', async () => {
    const text = `c,a,b\n${`z,1,${'x'.repeat(1000)}\n`.repeat(2000)}z,2,é\n`
    const done = await convertTexts({ 'x.csv': Buffer.from(text, 'latin1') })
    expect(done.rejects).toMatchObject([{ record: 2001, expected: 'UTF-8, or encoding in csv()' }])
    expect(done.rows).toHaveLength(2000)
  })

  it('is written for a quoted field that does not end, with everything in it', async () => {
    const done = await convertTexts(
      { 'z.zip': buildZip({ 'open.csv': 'a,b\n1,x\n2,"y\n3,z\n', 'next.csv': 'a,b\n4,w\n' }) },
      { source: inZip() },
    )
    expect(done.rejects).toMatchObject([{ member: 'open.csv', line: 3, record: 2 }])
    expect(done.rows.map(row => row.a).sort()).toEqual(['1', '4'])
  })

  it('is written for text after a closing quote', async () => {
    const done = await convertTexts({ 'x.csv': 'a,b\n1,"x"y\n2,z\n' })
    expect(done.rejects).toMatchObject([{ line: 2, record: 1 }])
    expect(done.rows.map(row => row.a)).toEqual(['2'])
  })

  it('stands in the line of the file, whatever was passed over above it', async () => {
    const source = files({ paths: '*', format: csv({ skip: 2, comment: '#' }) })
    const done = await convertTexts({ 'x.csv': 'about\nthis\na,b\n# note\n1,x\n\nbad,y\n' }, { source })
    expect(shown(done)).toEqual(['x.csv/:7#2 a: int32, bad'])
  })

  it.each([
    ['a,b\r1,"x\ry"\r2,z\rbad,q\r', 5],
    ['a,b\r1,"x\r\ny"\r\r2,z\rbad,q\r', 6],
    ['"a",b\r\n1,"x\ry"\r\nbad,q', 3],
    ['a,b\n1,"x\ry"\nbad,q', 3],
  ])('has the line number that editors show, in %j', async (text, line) => {
    for (const options of [{}, { provenance: ['_line'] as const }]) {
      const done = await convertTexts({ 'x.csv': text }, options)
      expect(done.rejects.map(each => each.line)).toEqual([line])
    }
  })

  it('is written also where the transform does not read the column', async () => {
    const done = await convertTexts(
      { 'x.csv': 'a,b\nbad,x\n2,y\n3,x\n' },
      { transform: sql`select b from input where b = 'x'` },
    )
    expect(shown(done)).toEqual(['x.csv/:2#1 a: int32, bad'])
    expect(done.rows).toEqual([{ b: 'x' }])
    expect(done.results[0]).toMatchObject({ recordsFound: 3, rowsRead: 2, rowsRejected: 1 })
  })

  it('is counted also where the transform stops reading early', async () => {
    const done = await convertTexts(
      { 'x.csv': 'a,b\nbad,x\n2,y\n3,x,z\n' },
      { transform: sql`select b from input where 1 = 2` },
    )
    expect(done.results[0]).toMatchObject({ recordsFound: 3, rowsRead: 1, rowsRejected: 2, rowsWritten: 0 })
  })
})

describe('long and many records beside a bad one', () => {
  const small = 128 * 1024 * 1024

  it('are read in an engine of little memory', async () => {
    const done = await convertTask(taskOf({ columns }), {
      inputs: { 'x.csv': 'a,b\n1,x\nbad,y\n2,z\n' },
      engineBytes: small,
    })
    expect(shown(done)).toEqual(['x.csv/:3#2 a: int32, bad'])
    expect(done.rows.map(row => row.a)).toEqual(['1', '2'])
  })

  it('are kept where a field has tens of megabytes', async () => {
    const long = `${'x'.repeat(1000)}é\n""`.repeat(30_000)
    const text = `a,b\n1,"${long}"\nbad,y\n2,z\n3,"${long}",more\n4,w\n`
    const done = await convertTask(
      taskOf({ columns, source: inZip(), transform: sql`select a, strlen(b) as length from input` }),
      {
        inputs: { 'z.zip': buildZip({ 'x.csv': text }) },
      },
    )
    expect(done.rejects.map(({ record, column, expected }) => [record, column, expected])).toEqual([
      [2, 'a', 'int32'],
      [4, '', '2 fields'],
    ])
    expect(done.rows).toEqual([
      { a: '1', length: `${1004 * 30_000}` },
      { a: '2', length: '1' },
      { a: '4', length: '1' },
    ])
  })

  it('are read where a field without quotes has ten megabytes', async () => {
    const long = 'x'.repeat(10_000_000)
    const done = await convertTexts(
      { 'x.csv': `a,b\n1,${long}\n2,y\nbad,z\n3,w\n` },
      { transform: sql`select a, strlen(b) as length from input` },
    )
    expect(shown(done)).toEqual(['x.csv/:4#3 a: int32, bad'])
    expect(done.rows).toEqual([
      { a: '1', length: '10000000' },
      { a: '2', length: '1' },
      { a: '3', length: '1' },
    ])
  })

  it('are the same rows and rejects, whatever stands in quotes around them', async () => {
    const inQuotes = 'x,\n""'.repeat(60)
    const count = 100_000
    const records = Array.from(
      { length: count },
      (_, index) => `${index},"${inQuotes}"${index % 7 === 3 ? ',more' : ''}`,
    )
    const done = await convertTask(taskOf({ columns, source: inZip(), transform: sql`select a from input` }), {
      inputs: { 'z.zip': buildZip({ 'x.csv': `a,b\n${records.join('\n')}\n` }) },
      engineBytes: small,
    })
    const bad = Array.from({ length: count }, (_, index) => index).filter(index => index % 7 === 3)
    expect(done.rejects.map(({ record }) => record)).toEqual(bad.map(index => index + 1))
    expect(done.rows).toHaveLength(count - bad.length)
  })
})

describe('lines of JSON', () => {
  const source = files({ paths: '*', format: jsonLines() })
  const text = [
    '{"a":1,"b":"x"}',
    'garbage',
    '[1]',
    '{"a":',
    '',
    '{"a":"x"}',
    '{"a":1.5}',
    '{"a":1}{"a":2}',
    '{"b":{"c":[1]}}',
  ].join('\n')

  it('are read by name, and rejected where they are not an object or do not fit', async () => {
    const done = await convertTexts({ 'x.jsonl': text }, { source })
    expect(shown(done)).toEqual([
      'x.jsonl/:2#2 : a JSON object, garbage',
      'x.jsonl/:3#3 : a JSON object, [1]',
      'x.jsonl/:4#4 : a JSON object, {"a":',
      'x.jsonl/:6#5 a: int32, x',
      'x.jsonl/:7#6 a: int32, 1.5',
      'x.jsonl/:8#7 : a JSON object, {"a":1}{"a":2}',
    ])
    expect(done.rows).toEqual([
      { a: '1', b: 'x' },
      { a: null, b: '{"c":[1]}' },
    ])
  })

  it('are read by names with every kind of character', async () => {
    const types = { 'a "b"': column.int32(), 'c.d': column.string(), '$e[0]': column.string(), "f'": column.string() }
    const done = await convertTexts(
      { 'x.jsonl': `${JSON.stringify({ 'a "b"': 1, 'c.d': 'é', '$e[0]': 'x', "f'": 'y' })}\n` },
      { source, columns: types },
    )
    expect(done.rows).toEqual([{ 'a "b"': '1', 'c.d': 'é', '$e[0]': 'x', "f'": 'y' }])
  })
})

describe('members', () => {
  it('are read by name, whatever the order of their columns', async () => {
    const archive = buildZip({ '1.csv': 'a,b\n1,x\n', '2.csv': 'b,a\ny,2\n', '3.csv': 'c,b,a\nq,z,3\n' })
    expect((await convertTexts({ 'z.zip': archive }, { source: inZip() })).rows).toEqual([
      { a: '1', b: 'x' },
      { a: '2', b: 'y' },
      { a: '3', b: 'z' },
    ])
  })

  it.each([
    ['fails', 'fail', undefined],
    [
      'ignores',
      'ignore',
      [
        { a: '1', b: 'x' },
        { a: '2', b: 'y' },
      ],
    ],
    [
      'keeps',
      'keep',
      [
        { a: '1', b: 'x', _new: '{}' },
        { a: '2', b: 'y', _new: '{c=q, d e=NULL}' },
      ],
    ],
  ] as const)('%s new columns when onNewColumn is %s', async (_does, onNewColumn, rows) => {
    const converting = convertTexts(
      { 'z.zip': buildZip({ '1.csv': 'a,b\n1,x\n', '2.csv': 'a,c,b,d e\n2,q,y,\n' }) },
      { source: inZip(), onNewColumn },
    )
    if (rows) expect((await converting).rows).toEqual(rows)
    else
      await expect(converting).rejects.toMatchObject({
        code: 'COLUMN_NEW',
        detail: { archive: 'z.zip', member: '2.csv', added: ['c', 'd e'] },
      })
  })

  it('keeps a new column whose name every object of JavaScript has', async () => {
    const given = { 'x.csv': 'a,constructor\n1,x\n' }
    const { rows } = await convertTexts(given, { columns: { a: column.int32() }, onNewColumn: 'keep' })
    expect(rows).toEqual([{ a: '1', _new: '{constructor=x}' }])
  })

  it('fail without a declared column, naming the nearest, or read it as null', async () => {
    const inputs = { 'z.zip': buildZip({ '1.csv': 'a,b\n1,x\n', '2.csv': 'a,bb\n2,y\n' }) }
    await expect(convertTexts(inputs, { source: inZip() })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('b (nearest: bb)'),
      detail: { archive: 'z.zip', member: '2.csv' },
    })
    expect((await convertTexts(inputs, { source: inZip(), onMissingColumn: 'null' })).rows).toEqual([
      { a: '1', b: 'x' },
      { a: '2', b: null },
    ])
    const required = { a: column.int32(), b: column.string({ required: true }) }
    expect(shown(await convertTexts(inputs, { source: inZip(), columns: required, onMissingColumn: 'null' }))).toEqual([
      'z.zip/2.csv:2#1 b: required string, null',
    ])
  })

  it('that are empty or have only a header become a part with the schema and no rows', async () => {
    const done = await convertTexts(
      { 'z.zip': buildZip({ 'empty.csv': '', 'header.csv': 'a,b\n', 'newline.csv': '\n' }) },
      { source: inZip() },
    )
    expect(done.rows).toEqual([])
    expect(done.parts).toHaveLength(1)
    expect(done.schema).toEqual([
      { name: 'a', type: 'INTEGER' },
      { name: 'b', type: 'VARCHAR' },
    ])
    expect(done.results[0]).toMatchObject({ recordsFound: 0, members: 3 })
  })

  it('tell archive, member and line of each row when that is asked', async () => {
    const archive = buildZip({ 'x/1.csv': 'a,b\n1,"p\nq"\n2,y\n', '2.csv': 'b,a\n\nz,3\nbad,bad\nw,4\n' })
    const done = await convertTexts(
      { 'y.zip': buildZip({ '0.csv': 'a,b\n0,v\n' }), 'z.zip': archive },
      { source: inZip(), provenance: ['_archive', '_member', '_line'] },
    )
    expect(done.rows.map(row => `${row.a} ${row._archive}/${row._member}:${row._line}`)).toEqual([
      '0 y.zip/0.csv:2',
      '1 z.zip/x/1.csv:2',
      '2 z.zip/x/1.csv:4',
      '3 z.zip/2.csv:3',
      '4 z.zip/2.csv:5',
    ])
    expect(shown(done)).toEqual(['z.zip/2.csv:4#2 a: int32, bad'])
  })
})
