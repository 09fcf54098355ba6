import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, lines, sql } from '../../lib/define/index.ts'
import { convertTask, type Inputs, type TestTaskOptions, taskOf } from './converting.ts'

const columns = { a: column.int32(), b: column.string() }
const engineBytes = 128 * 1024 * 1024

const rejectsOf = async (inputs: Inputs, options: TestTaskOptions = {}) =>
  (await convertTask(taskOf({ columns, ...options }), { inputs, engineBytes })).rejects

describe('the text of a reject', () => {
  it.each([
    ['a,b\nbad,"x ""y"", z"\n', csv(), 'bad,"x ""y"", z"'],
    ['a,c,b\nbad,,"p\nq"\n', csv(), 'bad,,"p\nq"'],
    ['a,b\nbad,""\n', csv(), 'bad,""'],
    ['a;b\nbad;NA\nworse;"NA"\n', csv({ delimiter: ';', nullValues: ['NA'] }), 'bad;NA', 'worse;"NA"'],
    ["a,b\nbad,'x\\'y\\\\z,'\n", csv({ quote: "'", escape: '\\' }), "bad,'x\\'y\\\\z,'"],
    ['a\tb\nbad\t"x\n', csv({ delimiter: '\t', quote: '' }), 'bad\t"x'],
    ['a,b\n1,x,"y, z",\n2\n', csv(), '1,x,"y, z",', '2'],
    ['a b\nbad \n', csv({ delimiter: ' ', nullValues: [] }), 'bad '],
    ['a\u0001b\nbad\u0001\n', csv({ delimiter: '\u0001', quote: '\u0002', nullValues: [] }), 'bad\u0001'],
    ['bad,x\n', csv({ header: false }), 'bad,x'],
  ] as const)('is the whole record of %j', async (text, format, ...expected) => {
    const found = await rejectsOf({ 'x.csv': text }, { source: files({ paths: '*', format }) })
    expect(found.map(each => each.text)).toEqual(expected)
  })

  it('is the line of JSON and of a log', async () => {
    const json = ['{"a":"bad","b":"x", "z":[1]}', 'nonsense', '{"a":1,}', String.raw`{"a":"\ud83d"}`]
    const source = files({ paths: '*', format: jsonLines() })
    expect((await rejectsOf({ 'x.jsonl': `${json.join('\n')}\n` }, { source })).map(each => each.text)).toEqual(json)
    const log = files({ paths: '*', format: lines({ pattern: '(?<a>\\d+) (?<b>.*)' }) })
    expect((await rejectsOf({ 'x.log': '1 x\nno number\n' }, { source: log })).map(each => each.text)).toEqual([
      'no number',
    ])
  })

  it('can be fixed and loaded again', async () => {
    const [reject] = await rejectsOf({ 'x.csv': 'b,a\n"x ""y""\n,z",1O\n' })
    const done = await convertTask(taskOf({ columns }), {
      inputs: { 'x.csv': `b,a\n${reject?.text?.replace('1O', '10')}\n` },
    })
    expect(done.rows).toEqual([{ a: '10', b: 'x "y"\n,z' }])
  })

  it('is cut at 65,536 characters', async () => {
    const [reject] = await rejectsOf({ 'x.csv': `a,b\nbad,${'é'.repeat(70_000)}\n` })
    expect(reject?.text).toBe(`bad,${'é'.repeat(65_532)}`)
  })
})

describe('a record with thousands of fields too many', () => {
  const extra = ',9'.repeat(100_000)

  it.each([
    ['', csv(), 'a,b\n'],
    [' without a header', csv({ header: false }), ''],
  ] as const)('is one reject%s, in the smallest engine', async (_where, format, header) => {
    const text = `${header}1,x\n2,y${extra}\n3,"p${','.repeat(50)}q"\n4,z,z\n${`5,w${',9'.repeat(20)}\n`.repeat(3)}`
    const source = files({ paths: '*', format })
    const done = await convertTask(taskOf({ columns, source, transform: sql`select * from input` }), {
      inputs: { 'x.csv': text },
      engineBytes,
    })
    const first = header === '' ? 1 : 2
    expect(done.rejects.map(({ line, record, expected }) => [line, record, expected])).toEqual(
      [2, 4, 5, 6, 7].map(record => [record + first - 1, record, '2 fields']),
    )
    expect(done.rejects[0]?.received).toBe(`2,y${extra}`.slice(0, 200))
    expect(done.rejects[2]?.text).toBe(`5,w${',9'.repeat(20)}`)
    expect(done.rows.map(row => row.a)).toEqual(['1', '3'])
    expect(done.results[0]).toMatchObject({ recordsFound: 7, rowsRead: 2, rowsRejected: 5 })
  })
})
