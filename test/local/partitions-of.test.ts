/** Tasks that read what another task of the pipeline has written. */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, plan } from '../../lib/index.ts'
import { type Project, project } from './project.ts'

const pipeline = (factor = 1, more = '') => `
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: '{month}/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32({ required: true }) },
  output: parquet({ path: 'sales/{month}', partitionBy: ['shop'] }),
}).mapRows(row => ({ ...row, total: row.total * ${factor} }))
const large = task({
  name: 'large',
  source: partitionsOf(sales),
  output: parquet({ path: 'large/{month}' }),
  ${more}
}).sql\`select shop, total from input where total > 10\`
const doubled = task({
  name: 'doubled',
  source: partitionsOf(large),
  output: parquet({ path: 'doubled/{month}' }),
}).sql\`select shop, 2 * total as total from input\`
export default pipeline({ name: 'shops', tasks: [doubled, sales, large] })
`
const input = { '2024-01/a.csv': 'shop,total\n1,5\n1,20\n2,30\n', '2024-01/b.csv': 'shop,total\n2,40\n' }
const params = { month: '2024-01' }

async function rowsOf(some: Project, task: string): Promise<DatasetRow[]> {
  return (await some.rows(`${task}/2024-01`)).toSorted((a, b) => Number(a.total) - Number(b.total))
}

const statusesOf = ({ tasks }: Awaited<ReturnType<Project['run']>>) =>
  Object.fromEntries(tasks.map(({ task, status }) => [task, status]))

describe('partitionsOf', () => {
  it('runs each task after the one that it reads, with its parameters, whatever their order in the pipeline', async () => {
    const some = project(pipeline(), input)
    const result = await some.run({ params })
    expect(result.tasks.map(({ task, status }) => [task, status])).toEqual([
      ['sales', 'complete'],
      ['large', 'complete'],
      ['doubled', 'complete'],
    ])
    expect(await rowsOf(some, 'large')).toEqual([20, 30, 40].map((total, at) => ({ shop: at === 0 ? 1 : 2, total })))
    expect((await rowsOf(some, 'doubled')).map(row => row.total)).toEqual([40, 60, 80])
  })

  it('lists columns beside a condition also where no step uses them', async () => {
    const more = `
const some = task({
  name: 'some',
  params: { month: param.month() },
  source: partitionsOf(sales, { columns: ['shop', 'total'], where: sql\`total > 10\` }),
  output: parquet({ path: 'some/{month}' }),
}).sql\`select total from input\`
export default`
    const code = pipeline()
      .replace('partitionsOf,', 'partitionsOf, sql,')
      .replace('export default', () => more)
    const some = project(code.replace('tasks: [', 'tasks: [some, '), input)
    await some.run({ params })
    expect(await rowsOf(some, 'some')).toEqual([20, 30, 40].map(total => ({ total })))
  })

  it('runs again only what depends on a change', async () => {
    const some = project(pipeline(), input)
    await some.run({ params })
    const all = (status: string) => ({ sales: status, large: status, doubled: status })
    expect(statusesOf(await some.run({ params }))).toEqual(all('skipped'))
    some.write({ 'pipeline.ts': pipeline(1, `doc: 'the large ones', version: '2',`) })
    expect(statusesOf(await some.run({ params }))).toEqual({ ...all('complete'), sales: 'skipped' })
    some.write({ '2024-01/b.csv': 'shop,total\n2,41\n' })
    expect(statusesOf(await some.run({ params }))).toEqual(all('complete'))
    expect((await rowsOf(some, 'doubled')).map(row => row.total)).toEqual([40, 60, 82])
    some.write({ 'pipeline.ts': pipeline(2, `version: '2',`) })
    expect(statusesOf(await some.run({ params }))).toEqual(all('complete'))
    expect((await rowsOf(some, 'doubled')).map(row => row.total)).toEqual([80, 120, 164])
  })

  it('does not run what depends on a task that failed, keeps what was there, and runs the rest', async () => {
    const other = `
const names = task({
  name: 'names',
  params: { month: param.month() },
  source: files({ paths: 'names.csv', format: csv() }),
  columns: { name: column.string() },
  output: parquet({ path: 'names/{month}' }),
})
export default pipeline({ name: 'shops', tasks: [sales, large, doubled, names] })
`
    const text = pipeline().replace(/export default .*\n/, other)
    const some = project(text, { ...input, 'names.csv': 'name\none\n' })
    await some.run({ params })
    some.write({ '2024-01/b.csv': 'shop,total\n2,many\n' })
    const failed = await some.run({ params })
    const rest = { large: 'notRun', doubled: 'notRun' }
    expect(statusesOf(failed)).toEqual({ sales: 'failed', ...rest, names: 'skipped' })
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'REJECTS_OVER_LIMIT' } })
    expect((await rowsOf(some, 'doubled')).map(row => row.total)).toEqual([40, 60, 80])
  })

  it('runs what a task requires when that task is asked for, and plans it before its dataset is there', async () => {
    const some = project(pipeline(), input)
    const { tasks } = await plan(join(some.folder, 'pipeline.ts'), { params, input: some.folder, output: some.out })
    expect(tasks.map(({ task, warnings }) => [task, warnings])).toEqual([
      ['sales', []],
      ['large', []],
      ['doubled', []],
    ])
    const result = await some.run({ params, task: 'large' })
    expect(statusesOf(result)).toEqual({ sales: 'complete', large: 'complete' })
    const sampled = await plan(join(some.folder, 'pipeline.ts'), {
      params,
      input: some.folder,
      output: some.out,
      sample: 1,
    })
    expect(sampled.tasks.map(({ inputs }) => inputs)).toEqual([1, 0, 0])
  })

  it('reads a dataset without rows', async () => {
    const some = project(pipeline().replace("partitionBy: ['shop']", ''), { '2024-01/a.csv': 'shop,total\n' })
    expect(statusesOf(await some.run({ params }))).toEqual({
      sales: 'complete',
      large: 'complete',
      doubled: 'complete',
    })
    expect(await rowsOf(some, 'doubled')).toEqual([])
  })

  it('reads Delta tables without rows, of another task or of another program, as empty datasets', async () => {
    const some = project(
      `
import { column, count, csv, delta, deltaTable, files, joinOf, parquet, partitionsOf, pipeline, sql, sum, table, task } from 'fanmill'
const output = (path: string) => parquet({ path })
const sales = task({
  name: 'sales',
  source: files({ paths: 'sales.csv', format: csv() }),
  columns: { shop: column.string(), total: column.int32() },
  output: delta({ path: 'sales', mode: 'overwrite', partitionBy: ['shop'] }),
})
const large = task({ name: 'large', source: partitionsOf(sales, { where: sql\`total > 1\` }), output: output('large') })
  .sql\`select *, total * 2 as twice from input\`
const sums = task({ name: 'sums', source: partitionsOf(sales), output: output('sums') })
  .reduce({ by: ['shop'], measures: { total: sum('total'), n: count() } })
const theirs = task({ name: 'theirs', requires: sales, source: deltaTable({ path: 'out/sales' }), output: output('theirs') })
const shops = task({
  name: 'shops',
  source: files({ paths: 'shops.csv', format: csv() }),
  columns: { shop: column.string(), city: column.string() },
  output: output('shops'),
})
const joined = task({
  name: 'joined',
  source: joinOf({ left: partitionsOf(shops), right: partitionsOf(sales) }, { on: ['shop'], how: 'left' }),
  output: output('joined'),
})
const tabled = task({ name: 'tabled', source: partitionsOf(shops), tables: { sales: table(sales) }, output: output('tabled') })
  .sql\`select i.shop, s.total from input i left join sales s using (shop)\`
export default pipeline({ name: 'sales', tasks: [sales, shops, large, sums, theirs, joined, tabled] })
`.replaceAll('\\`', '`'),
      { 'sales.csv': 'shop,total\n', 'shops.csv': 'shop,city\na,Rome\n' },
    )
    const names = ['sales', 'shops', 'large', 'sums', 'theirs', 'joined', 'tabled']
    const all = (status: string) => Object.fromEntries(names.map(name => [name, status]))
    expect(statusesOf(await some.run())).toEqual(all('complete'))
    const columnsOf = (path: string) => some.manifest(path).schema.map(({ name, type }) => `${name} ${type}`)
    expect(columnsOf('large')).toEqual(['shop VARCHAR', 'total INTEGER', 'twice INTEGER'])
    expect(columnsOf('theirs')).toEqual(['shop VARCHAR', 'total INTEGER'])
    expect(await some.rows('joined')).toEqual([{ shop: 'a', city: 'Rome', total: null }])
    expect(await some.rows('tabled')).toEqual([{ shop: 'a', total: null }])
    for (const path of ['large', 'sums', 'theirs']) expect(await some.rows(path)).toEqual([])
    expect(statusesOf(await some.run())).toEqual(all('skipped'))
    some.write({ 'sales.csv': 'shop,total\na,2\n' })
    expect(statusesOf(await some.run())).toEqual({ ...all('complete'), shops: 'skipped' })
    expect(await some.rows('joined')).toEqual([{ shop: 'a', city: 'Rome', total: 2 }])
    expect(await some.rows('sums')).toEqual([{ shop: 'a', total: 2n, n: 1n }])
  })

  it('appends the parts that are new', async () => {
    const appending = `
import { column, csv, files, parquet, partitionsOf, pipeline, task } from 'fanmill'
const days = task({
  name: 'days',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { total: column.int32() },
  output: parquet({ path: 'days/2024-01', mode: 'append' }),
})
const copy = task({ name: 'copy', source: partitionsOf(days), output: parquet({ path: 'copy/2024-01', mode: 'append' }) })
export default pipeline({ name: 'days', tasks: [days, copy] })
`
    const some = project(appending, { 'a.csv': 'total\n1\n' })
    await some.run()
    some.write({ 'b.csv': 'total\n2\n' })
    const { tasks } = await some.run()
    expect(tasks.map(({ rowsRead }) => rowsRead)).toEqual([1, 1])
    expect((await rowsOf(some, 'copy')).map(row => row.total)).toEqual([1, 2])
  })

  it('reads a copy of a dataset, and says which part of it is not as it was written', async () => {
    const some = project(pipeline(), input)
    await some.run({ params, task: 'sales' })
    cpSync(join(some.out, 'sales'), join(some.folder, 'copies/sales'), { recursive: true })
    some.write({
      'pipeline.ts': `
import { parquet, partitionsOf, pipeline, task } from 'fanmill'
const copied = task({
  name: 'copied',
  source: partitionsOf({ path: 'copies/sales/2024-01', root: 'input' }),
  output: parquet({ path: 'copied/2024-01' }),
})
export default pipeline({ name: 'shops', tasks: [copied] })
`,
    })
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsRead: 4 }] })
    expect((await rowsOf(some, 'copied')).map(row => row.total)).toEqual([5, 20, 30, 40])
    const part = (await some.manifest('sales/2024-01')).parts[0]?.key ?? ''
    writeFileSync(join(some.folder, 'copies/sales/2024-01', part), 'PAR1')
    const damaged = await some.run({ force: true }).catch(error => ({ error }))
    expect(damaged).toMatchObject({ error: { code: 'DATASET_DAMAGED', detail: { foundBytes: 4 } } })
    expect(damaged.error?.message).toContain(part)
  })
})
