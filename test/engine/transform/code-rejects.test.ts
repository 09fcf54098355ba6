import { describe, expect, it } from 'vitest'
import type { Step } from '../../../lib/define/definition.ts'
import {
  column,
  csv,
  files,
  jsonLines,
  parquet,
  parquetFiles,
  RejectError,
  sql,
  table,
  task,
  zipMembers,
} from '../../../lib/define/index.ts'
import { runTask } from '../../../lib/testing.ts'
import { buildZip } from '../../zip-builder.ts'
import {
  type ConversionResult,
  convertTask,
  type Inputs,
  mapBatches,
  mapRows,
  parquetOf,
  type TestTaskOptions,
  taskOf,
} from '../converting.ts'

const columns = { id: column.int32(), amount: column.float64(), kind: column.string() }
const text = 'id,amount,kind\n1,5,a\n2,-5,"a\nb"\nx,5,a\n4,,a\n5,-7,z\n'
const zip = buildZip({ 'a.csv': 'id,amount,kind\n9,9,a\n', 'm.csv': text })

// biome-ignore lint/suspicious/noExplicitAny: the rows of a step in a list have no type
type Row = any

const convertZip = (transform: Step | readonly Step[], options: TestTaskOptions = {}): Promise<ConversionResult> =>
  convertTask(taskOf({ source: zipMembers({ paths: '*.zip', format: csv() }), columns, transform, ...options }), {
    inputs: { 'z.zip': zip },
  })

const shown = ({ rejects }: ConversionResult) =>
  rejects.map(({ archive, member, line, record, expected, received }) => [
    `${archive} ${member}:${line}#${record}`,
    expected,
    received,
  ])

const refuseNegative = mapRows((row: Row, context) => (row.amount < 0 ? context.reject('amount is negative') : row))

const negatives = [
  ['z.zip m.csv:3#2', 'amount is negative', '2,-5,"a\nb"'],
  ['z.zip m.csv:5#3', 'int32', 'x'],
  ['z.zip m.csv:7#5', 'amount is negative', '5,-7,z'],
]

describe('a row that mapRows rejects', () => {
  it('becomes a reject with the reason, its place and its text, beside misfits', async () => {
    const done = await convertZip(refuseNegative)
    expect(shown(done)).toEqual(negatives)
    expect(done.rejects[0]).toMatchObject({ column: '', text: '2,-5,"a\nb"' })
    expect(done.rows.map(row => row.id)).toEqual(['9', '1', '4'])
    expect(done.results[0]).toMatchObject({ recordsFound: 6, rowsRead: 3, rowsRejected: 3, rowsWritten: 3 })
  })

  it('is rejected also by a RejectError, even from another copy of the library', async () => {
    const other = (reason: string) =>
      Object.assign(new Error(reason), { reason, [Symbol.for('fanmill.RejectError')]: true })
    const done = await convertZip(
      mapRows((row: Row) => {
        if (row.id === 2) throw new RejectError('amount is negative')
        if (row.id === 5) throw other('amount is negative')
        return row
      }),
    )
    expect(shown(done)).toEqual(negatives)
  })

  it.each([
    ['where', [refuseNegative], { where: sql`id is not null` }],
    ['another function', [mapRows(() => ({ b: 'x' }), { adds: { b: column.string() } }), refuseNegative], {}],
    ['a statement', [sql`select kind as k, amount, id from input`, refuseNegative], {}],
    ['a statement of all columns', [sql`select *, ${9007199254740993n} as n from input -- all`, refuseNegative], {}],
    ['a statement with another name', [sql`from input as i select i.* where i.id < ${100}`, refuseNegative], {}],
    ['several rows of one', [sql`select *, unnest([1, 2]) as n from input`, refuseNegative], {}],
    [
      'functions that change and multiply',
      [mapRows((row: Row) => [row, { ...row, kind: 'copy' }]), refuseNegative],
      {},
    ],
  ] as const)('has the place of its record after %s', async (_what, transform, options) => {
    const done = await convertZip(transform as readonly Step[], options)
    expect(shown(done)).toEqual(negatives)
    expect(done.results[0]).toMatchObject({ recordsFound: 6, rowsRead: 3, rowsRejected: 3 })
  })

  it('has its place behind a join with a table', async () => {
    const done = await convertTask(
      taskOf({
        columns,
        tables: { kinds: table('kinds.csv', csv()) },
        transform: [sql`select input.*, kinds.name from input left join kinds using (kind)`, refuseNegative],
      }),
      { inputs: { 'x.csv': text }, tables: { kinds: { name: 'kinds.csv', content: 'kind,name\na,A\nz,Z\n' } } },
    )
    expect(shown(done).map(([place]) => place)).toEqual(['x.csv :3#2', 'x.csv :5#3', 'x.csv :7#5'])
  })

  it('is never one that an earlier statement left out, although the statement before that returned texts with a collation', async () => {
    const rejectLarge = mapRows((row: Row, context) => (row.amount > 5 ? context.reject('too large') : row))
    const transform = [
      sql`select id, amount, kind collate nocase as kind, cast('{}' as json) as extra from input`,
      sql`select * from input where kind = 'a'`,
      rejectLarge,
    ]
    const inputs = { 'x.csv': 'id,amount,kind\n1,5,a\n2,6,A\n3,7,a\n' }
    const { rows, rejects } = await convertTask(taskOf({ columns, transform, rejects: { max: 9 } }), { inputs })
    expect(rows).toEqual([{ id: '1', amount: '5.0', kind: 'a', extra: '{}' }])
    expect(rejects.map(({ record }) => record)).toEqual([3])
  })

  it('takes all rows of its record with it', async () => {
    const done = await convertZip([
      mapRows((row: Row) => [{ n: 1 }, { n: 2 }].map(each => ({ ...row, ...each })), { adds: { n: column.int32() } }),
      mapRows((row: Row, context) => (row.id === 4 && row.n === 2 ? context.reject('second of four') : row)),
    ])
    expect(done.rows.map(row => [row.id, row.n])).toEqual(
      ['9', '1', '2', '5'].flatMap(id => ['1', '2'].map(n => [id, n])),
    )
    expect(shown(done)).toContainEqual(['z.zip m.csv:6#4', 'second of four', '4,,a'])
    expect(done.results[0]).toMatchObject({ recordsFound: 6, rowsRead: 4, rowsRejected: 2, rowsWritten: 8 })
  })

  it('passes checks first, and is found by functions that ask for the member', async () => {
    const byMember = mapRows((row: Row, context) => (context.member === 'a.csv' ? context.reject('not a.csv') : row))
    const done = await convertZip(byMember, { checks: [{ that: sql`amount >= 0`, reason: 'refund' }] })
    expect(shown(done).map(([place, expected]) => [place, expected])).toEqual([
      ['z.zip a.csv:2#1', 'not a.csv'],
      ['z.zip m.csv:3#2', 'refund'],
      ['z.zip m.csv:5#3', 'int32'],
      ['z.zip m.csv:7#5', 'refund'],
    ])
  })

  it('is found among many JSON lines in several groups and partitions', async () => {
    const lines = Array.from({ length: 20_000 }, (_, id) => JSON.stringify({ id, amount: id % 3, kind: `k${id % 4}` }))
    const definition = taskOf({
      source: files({ paths: '*', format: jsonLines() }),
      columns,
      transform: mapRows((row: Row, context) => (row.id % 2 ? context.reject(`odd ${row.id}`) : row)),
      output: parquet({ path: 'out', partitionBy: ['kind'] }),
    })
    const inputs = { 'a.jsonl': lines.slice(0, 9000).join('\n'), 'b.jsonl': lines.slice(9000).join('\n') }
    const done = await convertTask(definition, { inputs, shares: 2, groupBytes: 50_000 })
    expect(done.rows).toHaveLength(10_000)
    expect(done.rejects).toHaveLength(10_000)
    expect(done.rejects.find(each => each.archive === 'b.jsonl')).toMatchObject({
      line: 2,
      record: 2,
      expected: 'odd 9001',
      text: lines[9001],
    })
  })

  it('needs a reason, and the same answer each time', async () => {
    const failing = (map: (row: Row, context: Row) => unknown) => convertZip(mapRows(map as never) as Step)
    await expect(failing((_row, context) => context.reject(''))).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining('expected a reason that is not empty'),
    })
    await expect(failing((_row, context) => context.reject('r', { row: 0 }))).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining('expected only a reason'),
    })
    let calls = 0
    await expect(
      failing((row, context) => (++calls % 4 === 0 ? context.reject('by chance') : row)),
    ).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining('reject the same rows each time'),
    })
  })
})

describe("onError: 'reject'", () => {
  const parse = (row: Row) => {
    if (row.amount < 0) throw new RangeError('below zero')
    return { n: row.id === 4 ? 'four' : row.id }
  }

  it('makes rows rejects for which the function throws or gives a value that its column cannot hold', async () => {
    const done = await convertZip(mapRows(parse as never, { adds: { n: column.int32() }, onError: 'reject' }) as Step)
    expect(shown(done)).toEqual([
      ['z.zip m.csv:3#2', 'the mapRows function threw: below zero', '2,-5,"a\nb"'],
      ['z.zip m.csv:5#3', 'int32', 'x'],
      ['z.zip m.csv:6#4', expect.stringContaining('column n: expected an integer'), '4,,a'],
      ['z.zip m.csv:7#5', 'the mapRows function threw: below zero', '5,-7,z'],
    ])
  })

  it('still fails the run for a result of the wrong shape', async () => {
    const wrong = mapRows(() => ({ zzz: 1 }) as never, { onError: 'reject' }) as Step
    await expect(convertZip(wrong)).rejects.toMatchObject({ code: 'TRANSFORM_FAILED' })
  })

  it('finds the rows of a batch that fails', async () => {
    const map = ({ columns: all }: Row) => ({
      n: all.amount.map((amount: number, row: number) => parse({ amount, id: all.id[row] }).n),
    })
    const done = await convertZip(mapBatches(map as never, { adds: { n: column.int32() }, onError: 'reject' }) as Step)
    expect(shown(done).map(([place]) => place)).toEqual(
      ['m.csv:3#2', 'm.csv:5#3', 'm.csv:6#4', 'm.csv:7#5'].map(each => `z.zip ${each}`),
    )
    expect(done.rows.map(row => [row.id, row.n])).toEqual([
      ['9', '9'],
      ['1', '1'],
    ])
  })

  it('needs onError to be exactly reject', async () => {
    await expect(convertZip(mapRows(parse as never, { adds: { n: column.int32() } }) as Step)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
    })
    expect(() => mapRows(() => ({}), { onError: 'skip' as never })).toThrow(
      /mapRows: onError: expected one of fail, reject/,
    )
  })
})

describe('a row that mapBatches rejects', () => {
  const adds = { twice: column.float64() }

  it('is rejected by its index, and its values are not used', async () => {
    const map = mapBatches(
      ({ columns: all }: Row, context) => {
        all.amount.forEach((amount: number | null, row: number) => {
          if (amount !== null && amount < 0) context.reject('amount is negative', { row })
        })
        return { twice: all.amount.map((amount: number | null) => (amount === null || amount > 0 ? amount : 'unused')) }
      },
      { adds },
    )
    const done = await convertZip(map as Step)
    expect(shown(done)).toEqual(negatives)
    expect(done.rows.map(row => [row.id, row.twice])).toEqual([
      ['9', '9.0'],
      ['1', '5.0'],
      ['4', null],
    ])
  })

  it('is found when the function only throws', async () => {
    const map = mapBatches(
      ({ columns: all }: Row, context) => ({
        twice: all.amount.map((amount: number) => (amount < 0 ? context.reject('amount is negative') : amount)),
      }),
      { adds },
    )
    expect(shown(await convertZip(map as Step))).toEqual(negatives)
  })

  it('must be one that the batch has, and one that fails alone', async () => {
    const outside = mapBatches((_batch: Row, context) => context.reject('r', { row: 99 }) as never)
    await expect(convertZip(outside as Step)).rejects.toMatchObject({
      message: expect.stringContaining('context.reject: expected a row from 0 to 0, got 99'),
    })
    const several = mapBatches((batch: Row, context) => (batch.rowCount > 1 ? context.reject('several') : {}) as never)
    await expect(convertZip(several as Step)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining('no row fails alone; name the row'),
    })
  })
})

describe('rows of Parquet', () => {
  const source = files({ paths: '*', format: parquetFiles() })
  const given = async (): Promise<Inputs> => ({
    'a.parquet': await parquetOf("select 1 as id, 5.0::double as amount, 'a' as kind"),
    'b.parquet': await parquetOf(
      "select * from (values (2, -5.0::double, 'a'), (3, 7, 'b'), (4, null, 'b'), (5, 9, 'z')) t(id, amount, kind)",
    ),
  })
  const rejects = [
    ['b.parquet :1#1', 'amount is negative', "{'id': 2, 'amount': -5.0, 'kind': a}"],
    ['b.parquet :4#4', 'kind is unknown', "{'id': 5, 'amount': 9.0, 'kind': z}"],
  ]

  it.each([
    ['declared columns', columns],
    ['the columns of the file', undefined],
  ])('are rejected by checks, with file and row, with %s', async (_what, declared) => {
    const checks = [
      { that: sql`amount >= ${0}`, reason: 'amount is negative' },
      { that: sql`kind in ${['a', 'b']}`, reason: 'kind is unknown' },
    ]
    const done = await convertTask(taskOf({ source, columns: declared, checks }), { inputs: await given() })
    expect(shown(done)).toEqual(rejects)
    expect(done.rows.map(row => row.id)).toEqual(['1', '3', '4'])
    expect(done.results[0]).toMatchObject({ recordsFound: 5, rowsRead: 3, rowsRejected: 2 })
  })

  it('are rejected by functions', async () => {
    const transform = [
      sql`select * from input where id <> 3`,
      mapRows((row: Row, context) => (row.kind === 'z' ? context.reject('kind is unknown') : row)),
      refuseNegative,
    ]
    const done = await convertTask(taskOf({ source, columns, transform }), { inputs: await given() })
    expect(shown(done)).toEqual(rejects)
    expect(done.rows.map(row => row.id)).toEqual(['1', '4'])
    expect(done.results[0]).toMatchObject({ recordsFound: 5, rowsRead: 3, rowsRejected: 2, rowsWritten: 2 })
  })
})

it('shows rejects of functions in runTask', async () => {
  const source = files({ paths: '*.csv', format: csv() })
  const rejecting = task({
    name: 'rejecting',
    source,
    columns,
    output: parquet({ path: 'out' }),
  }).mapRows(refuseNegative.map as never)
  const { rows, rejects } = await runTask(rejecting, {
    rows: [
      { id: 1, amount: 1, kind: 'a' },
      { id: 2, amount: -1, kind: 'a' },
    ],
  })
  expect(rows).toEqual([{ id: 1, amount: 1, kind: 'a' }])
  expect(rejects).toMatchObject([{ line: 3, record: 2, expected: 'amount is negative', text: '2,-1,a' }])
})
