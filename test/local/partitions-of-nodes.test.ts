/** Tasks that read what several nodes of another task have written, with their parameters as columns. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { plan } from '../../lib/index.ts'
import { type Project, project } from './project.ts'

const pipeline = ({
  of = `{ params: ['month'] }`,
  steps = '',
  output = `parquet({ path: 'sales/{month}/{level}' })`,
} = {}) => `
import { column, csv, delta, files, months, param, parquet, partitionsOf, pipeline, sql, sum, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { month: param.month(), level: param.integer({ default: 3 }) },
  source: files({ paths: '{month}.csv', format: csv() }),
  columns: { shop: column.string(), total: column.int32({ required: true }) },
  output: ${output},
})
const year = task({
  name: 'year',
  params: { year: param.integer() },
  requires: ({ year }) => sales.each({ month: months(year).slice(0, 3) }),
  source: partitionsOf(sales, ${of}),
  output: parquet({ path: 'year/{year}' }),
})${steps}
export default pipeline({ name: 'shops', tasks: [sales, year] })
`
const input = {
  '2024-01.csv': 'shop,total\na,1\nb,2\n',
  '2024-02.csv': 'shop,total\na,30\n',
  '2024-03.csv': 'shop,total\nb,400\na,500\n',
}
const request = { task: 'year', params: { year: 2024 } }

const rowsOf = async (some: Project): Promise<string[]> =>
  (await some.rows('year/2024')).map(row => Object.values(row).join(' ')).sort()

describe('partitionsOf over several nodes', () => {
  it('reads all of them, with their parameters as columns', async () => {
    const some = project(pipeline({ of: `{ params: ['month', 'level'] }` }), input)
    await some.run(request)
    expect(await rowsOf(some)).toEqual([
      ...['a 1 2024-01 3', 'a 30 2024-02 3', 'a 500 2024-03 3', 'b 2 2024-01 3', 'b 400 2024-03 3'],
    ])
    expect(some.manifest('year/2024').schema.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['shop VARCHAR', 'total INTEGER', 'month VARCHAR', 'level INTEGER'],
    ])
  })

  it('gives functions and totals these columns, and runs again when one of the nodes has other rows', async () => {
    const steps = `.mapRows(row => ({ shop: row.month + row.shop })).reduce({ by: ['month'], measures: { total: sum('total') } })`
    const some = project(pipeline({ steps }), input)
    await some.run(request)
    expect(await rowsOf(some)).toEqual(['2024-01 3', '2024-02 30', '2024-03 900'])
    some.write({ '2024-02.csv': 'shop,total\na,31\n' })
    const again = await some.run(request)
    expect(again.tasks.map(({ node, status }) => `${node} ${status}`)).toEqual([
      'sales(level=3,month=2024-01) skipped',
      'sales(level=3,month=2024-02) complete',
      'sales(level=3,month=2024-03) skipped',
      'year(year=2024) complete',
    ])
    expect(again.tasks.at(-1)?.reasons?.map(({ kind }) => kind)).toEqual(['upstream'])
    expect(await rowsOf(some)).toEqual(['2024-01 3', '2024-02 31', '2024-03 900'])
  })

  it('reads no part of a node whose parameters a condition excludes', async () => {
    const of = `{ columns: ['total'], params: ['month'], where: sql\`month > '2024-01'\` }`
    const some = project(pipeline({ of }), input)
    const result = await some.run(request)
    expect(result.tasks.at(-1)).toMatchObject({ partsSkipped: 1, rowsRead: 3 })
    expect(await rowsOf(some)).toEqual(['30 2024-02', '400 2024-03', '500 2024-03'])
    some.write({ 'pipeline.ts': pipeline({ of: of.replace('2024-01', '2025-01') }) })
    await some.run(request)
    expect(await rowsOf(some)).toEqual([])
  })

  it('reads all of them without params, also where several nodes write one dataset', async () => {
    const all = ['a 1', 'a 30', 'a 500', 'b 2', 'b 400']
    const some = project(pipeline({ of: '{}' }), input)
    await some.run(request)
    expect(await rowsOf(some)).toEqual(all)
    const shared = `parquet({ path: 'shared/{level}', mode: 'append' })`
    some.write({ 'pipeline.ts': pipeline({ of: '{}', output: shared }) })
    await some.run(request)
    expect(await rowsOf(some)).toEqual(all)
    const levels = pipeline({ output: shared.replace('level', 'month') })
      .replace(`'{month}.csv'`, `'{level}/{month}.csv'`)
      .replace('slice(0, 3)', 'slice(0, 1), level: [1, 2]')
    some.write({ '1/2024-01.csv': 'shop,total\na,1\n', '2/2024-01.csv': 'shop,total\na,2\n' })
    some.write({ 'pipeline.ts': levels })
    expect((await some.run(request)).error).toMatchObject({
      code: 'DEFINITION_INVALID',
      message: expect.stringContaining(
        'expected a dataset for each node of task sales, got one that several nodes write',
      ),
    })
  })

  it('joins nodes that are kept by key, exchanging their rows with params or buckets, and names buckets without', async () => {
    const kept = `parquet({ path: 'sales/{month}/{level}', bucketBy: { columns: ['shop'], buckets: 2 } })`
    const joinBy = (of: string, options = '') =>
      pipeline({ output: kept })
        .replace('import { column,', 'import { column, joinOf,')
        .replace(
          'const year =',
          match => `const shops = task({
  name: 'shops',
  source: files({ paths: 'shops.csv', format: csv() }),
  columns: { shop: column.string(), town: column.string() },
  output: parquet({ path: 'shops', bucketBy: { columns: ['shop'], buckets: 2 } }),
})
${match}`,
        )
        .replace(
          '=> sales.each({ month: months(year).slice(0, 3) })',
          match => `${match.replace('=> ', '=> [')}, shops]`,
        )
        .replace(
          `partitionsOf(sales, { params: ['month'] })`,
          `joinOf({ left: partitionsOf(sales, ${of}), right: shops }, { on: ['shop']${options} })`,
        )
        .replace('[sales, year]', '[sales, shops, year]')
    const some = project(joinBy(`{ params: ['month'] }`), { ...input, 'shops.csv': 'shop,town\na,Bern\nb,Chur\n' })
    expect((await some.run(request)).error).toBeUndefined()
    expect(await rowsOf(some)).toEqual([
      ...['a 1 2024-01 Bern', 'a 30 2024-02 Bern', 'a 500 2024-03 Bern', 'b 2 2024-01 Chur', 'b 400 2024-03 Chur'],
    ])
    some.write({ 'pipeline.ts': joinBy('{}') })
    expect((await some.run(request)).error).toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('got those of several nodes; set buckets of joinOf'),
    })
    some.write({ 'pipeline.ts': joinBy('{}', ', buckets: 3') })
    expect((await some.run(request)).error).toBeUndefined()
    expect(await rowsOf(some)).toEqual(['a 1 Bern', 'a 30 Bern', 'a 500 Bern', 'b 2 Chur', 'b 400 Chur'])
  })

  it('reads Delta tables in the same way', async () => {
    const output = `delta({ path: 'sales/{month}/{level}', mode: 'overwrite' })`
    const some = project(pipeline({ output }), input)
    await some.run(request)
    expect(await rowsOf(some)).toEqual(['a 1 2024-01', 'a 30 2024-02', 'a 500 2024-03', 'b 2 2024-01', 'b 400 2024-03'])
  })

  it('refuses a parameter that is a column, datasets whose columns differ, and an integer that is no int32', async () => {
    const some = project(pipeline(), input)
    await some.run({ task: 'sales', params: { month: '2024-01' } })
    some.write({ 'pipeline.ts': pipeline().replace('shop: column.string()', 'month: column.string()') })
    for (const month of ['2024-01', '2024-02', '2024-03']) some.write({ [`${month}.csv`]: 'month,total\na,1\n' })
    expect((await some.run(request)).error).toMatchObject({
      message: expect.stringContaining('got month, which its rows have already; leave it out'),
    })
    const levels = pipeline({ of: `{ params: ['level'] }` }).replace('default: 3', 'default: 3_000_000_000')
    const large = project(levels, input)
    expect((await large.run(request)).error).toMatchObject({ code: 'PARAM_INVALID' })
  })

  it('takes the least int32, and numbers of any size where the column is a float64', async () => {
    const text = pipeline({ of: `{ params: ['level', 'rate'] }`, output: `parquet({ path: 'sales/{salt}' })` })
      .replace('default: 3', 'default: -2_147_483_648')
      .replace('level: param', 'rate: param.float64({ default: 3e9 }), level: param')
      .replace('slice(0, 3)', 'slice(0, 1)')
    const some = project(text, input)
    await some.run(request)
    expect(await rowsOf(some)).toEqual(['a 1 -2147483648 3000000000', 'b 2 -2147483648 3000000000'])
  })

  it('reads the nodes of one key of requires, also where another key has other nodes of the same task', async () => {
    const text = pipeline({
      steps: `
const shops = task({
  name: 'shops',
  requires: { now: sales, before: sales.withParams({ month: '2024-01' }) },
  source: joinOf(
    { left: partitionsOf('now', { where: sql\`total > 0\` }), right: partitionsOf('before', { columns: ['shop', 'total'] }) },
    { on: ['shop'], prefix: 'before_' },
  ),
  output: parquet({ path: 'shops/{month}/{level}' }),
})
const earlier = shops.with({ name: 'earlier', source: partitionsOf('before'), output: parquet({ path: 'earlier/{month}/{level}' }) })`,
    })
      .replace('{ column, csv,', '{ column, csv, joinOf,')
      .replace('tasks: [sales, year]', 'tasks: [sales, year, shops, earlier]')
    const some = project(text, input)
    for (const task of ['shops', 'earlier'])
      expect((await some.run({ task, params: { month: '2024-03' } })).error).toBeUndefined()
    const rows = await some.rows('shops/2024-03/3')
    expect(rows.toSorted((a, b) => Number(a.total) - Number(b.total))).toEqual([
      { shop: 'b', total: 400, before_total: 2 },
      { shop: 'a', total: 500, before_total: 1 },
    ])
    expect(await some.rows('earlier/2024-03/3')).toEqual([
      { shop: 'a', total: 1 },
      { shop: 'b', total: 2 },
    ])
    some.write({ '2024-01.csv': 'shop,total\na,10\n' })
    const again = await some.run({ task: 'shops', params: { month: '2024-03' } })
    expect(again.tasks.filter(({ status }) => status === 'complete').map(({ node }) => node)).toEqual([
      ...['sales(level=3,month=2024-01)', 'shops(level=3,month=2024-03)'],
    ])
    await some.run({ task: 'earlier', params: { month: '2024-03' } })
    expect(await some.rows('earlier/2024-03/3')).toEqual([{ shop: 'a', total: 10 }])
  })

  it('refuses a requirement without nodes, and does not read those of another key in their place', async () => {
    const text = pipeline({
      steps: `
const none = { requires: { now: sales, extra: sales.each({ month: [] }) }, output: parquet({ path: '{task}/{month}/{level}' }) }
const keyed = task({ name: 'keyed', ...none, source: partitionsOf('extra') })
const joined = task({ name: 'joined', ...none, source: joinOf({ left: partitionsOf('now'), right: partitionsOf('extra') }, { on: ['shop'] }) })
const unnamed = task({
  name: 'unnamed',
  params: { month: param.month(), level: param.integer({ default: 3 }) },
  requires: () => sales.each({ month: [] }),
  source: partitionsOf(sales),
  output: parquet({ path: '{task}/{month}/{level}' }),
})
const looking = unnamed.with({
  name: 'looking',
  source: files({ paths: '2024-01.csv', format: csv() }),
  tables: { sales: table(sales) },
}).sql\`select * from input join sales using (shop)\``,
    })
      .replace('{ column, csv,', '{ column, csv, joinOf, table,')
      .replace('tasks: [sales, year]', 'tasks: [sales, year, keyed, joined, unnamed, looking]')
    const some = project(text, input)
    await some.run({ task: 'sales', params: { month: '2024-03' } })
    for (const [task, where] of [
      ['keyed', ' under extra'],
      ['joined', ' under extra'],
      ['unnamed', ''],
      ['looking', ''],
    ]) {
      // A run of one node alone throws its error.
      const run = some.run({ task, params: { month: '2024-03' } }).then(({ error }) => Promise.reject(error))
      await expect(run).rejects.toMatchObject({
        code: 'NO_INPUT',
        message: `task ${task}: expected at least one node of task sales${where} in requires, got none; give each of its parameters a value`,
      })
    }
    expect(some.outputFiles().filter(name => !name.startsWith('sales/'))).toEqual([])
  })

  it('is planned with all parts', async () => {
    const some = project(pipeline(), input)
    await some.run(request)
    const { tasks } = await plan(join(some.folder, 'pipeline.ts'), { input: some.folder, output: some.out, ...request })
    expect(tasks.at(-1)).toMatchObject({ status: 'complete', members: 3 })
  })
})
