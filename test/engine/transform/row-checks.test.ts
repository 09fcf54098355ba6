import { describe, expect, it } from 'vitest'
import { column, csv, files, jsonLines, parquet, sql, task, zipMembers } from '../../../lib/define/index.ts'
import { runTask } from '../../../lib/testing.ts'
import { buildZip } from '../../zip-builder.ts'
import { convertTask, taskOf } from '../converting.ts'

const columns = { id: column.int32(), amount: column.float64(), kind: column.string() }
const checks = [
  { that: sql`amount >= ${0} -- no refunds`, reason: 'amount is negative' },
  { that: sql`kind in ${['a', "b'c"]}`, reason: 'kind is unknown' },
]
const text = `id,amount,kind\n1,5,a\n2,-5,a\nx,5,a\n4,,"b'c"\n5,7,z\n6,1\n`

const shown = (rejects: Awaited<ReturnType<typeof convertTask>>['rejects']) =>
  rejects.map(({ member, line, record, expected, received }) => [member, line, record, expected, received])

describe('a row for which a check is false', () => {
  it.each([
    ['without a transform', {}],
    ['before a transform', { transform: sql`select id from input` }],
    ['that reads nothing', { transform: sql`select id from input where 1 = 2` }],
  ])('becomes a reject with the reason, its place and its text, %s', async (_what, options) => {
    const source = zipMembers({ paths: '*.zip', format: csv() })
    const done = await convertTask(taskOf({ source, columns, checks, ...options }), {
      inputs: { 'z.zip': buildZip({ 'a.csv': 'id,amount,kind\n9,9,a\n', 'm.csv': text }) },
    })
    expect(shown(done.rejects)).toEqual([
      ['m.csv', 3, 2, 'amount is negative', '2,-5,a'],
      ['m.csv', 4, 3, 'int32', 'x'],
      ['m.csv', 6, 5, 'kind is unknown', '5,7,z'],
      ['m.csv', 7, 6, '3 fields', '6,1'],
    ])
    expect(done.results[0]).toMatchObject({ recordsFound: 7, rowsRead: 3, rowsRejected: 4 })
    if (!('transform' in options)) expect(done.rows.map(row => row.id)).toEqual(['9', '1', '4'])
  })

  it('may be a JSON line; a condition that is null passes', async () => {
    const source = files({ paths: '*', format: jsonLines() })
    const only = [{ that: sql`amount > 1`, reason: 'too small' }]
    const lines = ['{"id":1,"amount":2}', '{"id":2,"amount":1}', '{"id":3}']
    const done = await convertTask(taskOf({ source, columns, checks: only }), {
      inputs: { 'x.jsonl': lines.join('\n') },
    })
    expect(done.rejects).toMatchObject([{ line: 2, expected: 'too small', text: lines[1] }])
    expect(done.rows.map(row => row.id)).toEqual(['1', '3'])
  })

  it('is returned by runTask', async () => {
    const source = files({ paths: '*.csv', format: csv() })
    const checked = task({ name: 'checked', source, columns, checks, output: parquet({ path: 'out' }) })
    const { rows, rejects } = await runTask(checked, {
      rows: [
        { id: 1, amount: 1, kind: 'a' },
        { id: 2, amount: -1, kind: 'a' },
      ],
    })
    expect(rows).toEqual([{ id: 1, amount: 1, kind: 'a' }])
    expect(rejects).toMatchObject([{ line: 3, expected: 'amount is negative' }])
  })
})

describe('a check', () => {
  it.each([
    [sql`amont > 0`, 'SQL_INVALID', /^task tested: check 1: .*amount/],
    [sql`amount > sum(amount)`, 'SQL_NOT_ROWWISE', /^task tested: check 1: /],
    [sql`true) union select * from input where (true`, 'SQL_INVALID', /^task tested: check 1: /],
  ] as const)('fails unless it is one condition over the columns of a row: %j', async (that, code, message) => {
    const bad = taskOf({ columns, checks: [{ that, reason: 'r' }] })
    await expect(convertTask(bad, { inputs: { 'x.csv': text } })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})
