import { describe, expect, it } from 'vitest'
import { column, files, jsonLines, sql, table, zipMembers } from '../../../../lib/define/index.ts'
import { buildZip } from '../../../zip-builder.ts'
import { type ConversionResult, convertTask, type TestTaskOptions, taskOf } from '../../converting.ts'

const source = files({ paths: '*', format: jsonLines() })

const convertLines = (lines: readonly string[], options: TestTaskOptions): Promise<ConversionResult> =>
  convertTask(taskOf({ source, ...options }), { inputs: { 'x.jsonl': `${lines.join('\n')}\n` } })

/** The values of one column `v`, each of a line of its own. */
async function valuesOf(
  type: ReturnType<typeof column.string | typeof column.json>,
  values: readonly string[],
  options: TestTaskOptions = {},
): Promise<ConversionResult> {
  return convertLines(
    values.map(value => `{"v":${value}}`),
    { columns: { v: type }, ...options },
  )
}

describe('a value of JSON lines', () => {
  it('keeps its digits as a text', async () => {
    const values = ['1.10', '-0.50', '1e2', '12345678901234567890.123', '12345678901234567890123', 'true', '"1.10"']
    const { rows, rejects } = await valuesOf(column.string(), [...values, 'null', '[1]'])
    expect(rejects).toEqual([])
    expect(rows.map(row => row.v)).toEqual([...values.slice(0, -1), '1.10', null, '[1]'])
  })

  it('is found among numbers with the same name or value', async () => {
    const line = '{"n":{"v":2.50},"s":"\\"v\\":1.500","v" : 1.50,"vv":1.5000,"w":1.5}'
    const { rows } = await convertLines([line], { columns: { v: column.string(), w: column.string() } })
    expect(rows).toEqual([{ v: '1.50', w: '1.5' }])
  })

  it('stays JSON where the column is: a text has its quotes, and null is null', async () => {
    const values = ['"1"', '"null"', '"x"', '"a\\"b"', '1', 'true', '{"a":[1,null,"b"]}', '[]']
    const { rows, rejects } = await valuesOf(column.json(), [...values, 'null'])
    expect(rejects).toEqual([])
    expect(rows.map(row => row.v)).toEqual([...values, null])
  })

  it('is rejected when the digits of its number would be lost, but not for those of another column', async () => {
    const columns = { doc: column.json(), list: column.list(column.string()), d: column.decimal(38, 18) }
    const long = '0.123456789012345678'
    const lines = [`{"doc":{"a":${long}}}`, `{"list":[${long}]}`, `{"doc":{"a":"${long}"},"list":[1.5],"d":${long}}`]
    const done = await convertLines(lines, { columns })
    expect(done.rejects.map(({ line, column }) => [line, column])).toEqual([
      [1, 'doc'],
      [2, 'list'],
    ])
    expect(done.rows).toEqual([{ doc: `{"a":"${long}"}`, list: '[1.5]', d: long }])
    expect((await convertLines(lines, { columns, strict: false })).rejects).toEqual([])
  })

  it('is accepted when a float is printed differently, and in a list of floats', async () => {
    const columns = { doc: column.json(), list: column.list(column.float64()), s: column.list(column.string()) }
    const lines = [
      '{"doc":{"v":[1.2345678901234568e-05,1.2345678901234567e+20]},"list":[1.2345678901234568e-05]}',
      '{"doc":{"v":[0.10000000000000001,0.29999999999999999]},"list":[0.10000000000000001]}',
      '{"doc":{"v":1.500000000000000000},"list":[0.123456789012345678]}',
      '{"s":["1.0"],"doc":{"p":10.5},"list":[0.500000000000000000]}',
    ]
    const { rows, rejects } = await convertLines(lines, { columns })
    expect(rejects).toEqual([])
    expect(rows.map(row => JSON.parse(String(row.list)))).toEqual([
      [1.2345678901234568e-5],
      [0.1],
      [0.12345678901234568],
      [0.5],
    ])
  })

  it('is found by names that have the characters of a path', async () => {
    const names = ['*', 'a[*]', 'a/b', 'a~b', '~1', '$', 'a.b', '0']
    const columns = Object.fromEntries(names.map(name => [name, column.string()]))
    const row = Object.fromEntries(names.map((name, at) => [name, `v${at}`]))
    expect((await convertLines([JSON.stringify(row)], { columns })).rows).toEqual([row])
  })

  it('is the same in a broadcast table', async () => {
    const columns = { k: column.string(), doc: column.json() }
    const tested = taskOf({
      columns: { k: column.string() },
      tables: { t: table('t.jsonl', jsonLines(), columns) },
      transform: sql`select t.* from input join t on t.k = input.k`,
    })
    const content = '{"k":1.10,"doc":"1"}\n\n{"k":"x","doc":null}\n'
    const { rows } = await convertTask(tested, {
      inputs: { 'x.csv': 'k\n1.10\nx\n' },
      tables: { t: { name: 't.jsonl', content } },
    })
    expect(rows).toEqual([
      { k: '1.10', doc: '"1"' },
      { k: 'x', doc: null },
    ])
  })
})

describe('a key that is not declared', () => {
  const columns = { a: column.int32() }
  const lines = ['{"a":1}', '{"a":2,"b/c":{"d":1},"e~":null}', '{"z":true,"a":3}', '{}']

  it('is kept with its text', async () => {
    for (const transform of [[], sql`select * from input`]) {
      const { rows } = await convertLines(lines, { columns, transform, onNewColumn: 'keep' })
      expect(rows.map(row => row._new)).toEqual(['{}', `{b/c='{"d":1}', e~=NULL}`, '{z=true}', '{}'])
    }
  })

  it('is kept beside rejects', async () => {
    const done = await convertLines([...lines, '{"a":"x"}', 'nonsense'], { columns, onNewColumn: 'keep' })
    expect(done.rejects.map(each => each.line)).toEqual([5, 6])
    expect(done.rows.map(row => row.a)).toEqual(['1', '2', '3', null])
  })

  it('fails the run where that is asked, by archive, member and line', async () => {
    const archive = buildZip({ 'a.jsonl': '{"a":1}\n', 'b.jsonl': `${lines.join('\n')}\n` })
    const zipped = zipMembers({ paths: '*.zip', format: jsonLines() })
    await expect(
      convertTask(taskOf({ source: zipped, columns, onNewColumn: 'fail' }), { inputs: { 'z.zip': archive } }),
    ).rejects.toMatchObject({
      code: 'COLUMN_NEW',
      message: expect.stringContaining('z.zip, member b.jsonl, line 2: expected only declared columns, got b/c, e~'),
      detail: { archive: 'z.zip', member: 'b.jsonl', line: 2, added: ['b/c', 'e~'] },
    })
    const done = await convertLines(['{"a":1}', '{}', '{"a":"x"}'], { columns, onNewColumn: 'fail' })
    expect(done.rows).toHaveLength(2)
    expect(done.rejects).toHaveLength(1)
  })
})

describe('a line that parsers read in more than one way', () => {
  const columns = { id: column.int32(), b: column.json() }
  const shown = ({ rejects }: ConversionResult) =>
    rejects.map(({ line, expected, received }) => [line, expected, received])

  it.each([
    [
      'with a trailing comma',
      ['{"id":1,"b":[1,2,]}', '{"id":2,"b":{"x":1, },"z":0}', '{"id":3,}'],
      'a JSON object without trailing commas',
    ],
    [
      'with a key that stands twice',
      ['{"id":1,"id":2}', '{"z":0,"id":1,"b":1,"b":1}', '{"id":1,"\\u0069d":2}'],
      'a JSON object in which each key stands once',
    ],
    ['that is no object', ['[1]', '1', '', 'x', '{"id":1} x', "{'id':1}"].filter(Boolean), 'a JSON object'],
  ] as const)('is a reject %s', async (_what, bad, expected) => {
    const done = await convertLines(['{"id":8}', ...bad, '{"id":9}'], { columns })
    expect(shown(done)).toEqual(bad.map((line, index) => [index + 2, expected, line]))
    expect(done.rows.map(row => row.id)).toEqual(['8', '9'])
  })

  it('is a reject also where most lines have other keys, and where the first line is like it', async () => {
    const lines = ['{"id":1,"b":2}', '{"b":1,"id":2}', '{"id":3}', '{"id":4,"b":1,"id":5}', '{"id":6,"b":7}']
    const done = await convertLines(lines, { columns })
    expect(done.rejects.map(each => each.line)).toEqual([4])
    expect(done.rows.map(row => row.id)).toEqual(['1', '2', '3', '6'])
    const twice = await convertLines(['{"id":4,"id":5}', '{"id":4,"id":5}', '{"id":6}'], { columns })
    expect(twice.rejects.map(each => each.line)).toEqual([1, 2])
  })

  it('is read when only undeclared keys stand twice, unless they are kept', async () => {
    const lines = ['{"id":1,"z":true,"z":false}', '{"id":2}']
    expect((await convertLines(lines, { columns })).rows.map(row => row.id)).toEqual(['1', '2'])
    const kept = await convertLines(lines, { columns, onNewColumn: 'keep' })
    expect(kept.rejects.map(each => each.line)).toEqual([1])
  })

  it('is read as the engine reads it when the task is not strict', async () => {
    const done = await convertLines(['{"id":1,"id":2}', '{"id":3,}'], { columns, strict: false })
    expect(done.rows.map(row => row.id)).toEqual(['1', '3'])
  })

  it('is read when only its strings look like it', async () => {
    const lines = ['{"id":1,"b":"[1,],\\",}"}', '{"id":2,"b":{"id":1,"x":",]"}}']
    const done = await convertLines(lines, { columns })
    expect(done.rejects).toEqual([])
    expect(done.rows.map(row => row.id)).toEqual(['1', '2'])
  })
})

describe('half of a surrogate pair', () => {
  it('is read as the replacement character, as Python and JavaScript write it', async () => {
    const texts = [
      String.raw`cut emoji \ud83d`,
      String.raw`\uDE00 the other half`,
      String.raw`whole \ud83d\ude00, half \ud83d\ud83d\uDE00`,
      String.raw`no escape: \\ud83d, one: \\\ud83d`,
    ]
    const done = await convertLines(
      texts.map(text => `{"t":"${text}"}`),
      { columns: { t: column.string() } },
    )
    expect(done.rejects).toEqual([])
    expect(done.rows.map(row => row.t)).toEqual(texts.map(text => JSON.parse(`"${text}"`).toWellFormed()))
  })

  it('does not hide what else is wrong with its line', async () => {
    const line = String.raw`{"t":"\ud83d" x}`
    const done = await convertLines([line, '{"t":"y"}'], { columns: { t: column.string() } })
    expect(done.rejects).toMatchObject([{ line: 1, expected: 'a JSON object', received: line }])
  })
})
