/** A task that reads what another one wrote, in Lambda functions. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Deployed } from '../../lib/deployed/deployed.ts'
import { waitFor } from '../../lib/deployed/wait.ts'
import { openStore, type StoreSpec } from '../../lib/store/open-store.ts'
import { Account } from './account.ts'
import { walk } from './graphs.ts'

let account: Account
afterEach(() => account.close())

it('reads the parts of the other task from the output root, and runs again only when there are new parts', async () => {
  account = await Account.open(`
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: 'incoming/{month}/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales/{month}' }),
})
const large = task({ name: 'large', source: partitionsOf(sales), output: parquet({ path: 'large/{month}' }) })
  .sql\`select * from input where total > 10\`
export default pipeline({ name: 'shops', tasks: [sales, large] })
`)
  const run = () => walk(account, { task: 'large', params: { month: '2024-02' } })
  await account.write('input/incoming/2024-02/a.csv', 'shop,total\n1,5\n1,20\n')
  expect(await run()).toMatchObject({
    answer: { status: 'complete', counts: { complete: 2 } },
    waves: [['sales(month=2024-02)'], ['large(month=2024-02)']],
  })
  expect(await account.rows('large/2024-02')).toEqual([{ shop: 1, total: 20 }])
  expect(await run()).toMatchObject({ answer: { status: 'complete', counts: { skipped: 2 } } })
  await account.write('input/incoming/2024-02/a.csv', 'shop,total\n1,30\n')
  expect(await run()).toMatchObject({ answer: { status: 'complete', counts: { complete: 2 } } })
  expect(await account.rows('large/2024-02')).toEqual([{ shop: 1, total: 30 }])
})

it('reads the parts of several nodes of the other task, with their parameters as columns', async () => {
  account = await Account.open(`
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: 'incoming/{month}.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales/{month}' }),
})
const all = task({
  name: 'all',
  requires: sales.each({ month: ['2024-01', '2024-02'] }),
  source: partitionsOf(sales, { params: ['month'] }),
  output: parquet({ path: 'all' }),
}).sql\`select month, total from input where month > '2023-12'\`
export default pipeline({ name: 'shops', tasks: [sales, all] })
`)
  await account.write('input/incoming/2024-01.csv', 'shop,total\n1,5\n')
  await account.write('input/incoming/2024-02.csv', 'shop,total\n1,20\n')
  const run = () => walk(account, { task: 'all' })
  expect(await run()).toMatchObject({ answer: { status: 'complete', counts: { complete: 3 } } })
  expect(await account.rows('all')).toEqual([
    { month: '2024-01', total: 5 },
    { month: '2024-02', total: 20 },
  ])
  expect(await run()).toMatchObject({ answer: { status: 'complete', counts: { skipped: 3 } } })
})

it.each([
  ['each side in a stage of its own', ', buckets: 4', 3],
  ['and reads a small side in each batch', '', 1],
])('joins the rows of two tasks, %s', async (_, options, stages) => {
  account = await Account.open(`
import { column, csv, files, joinOf, parquet, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'incoming/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales' }),
})
const shops = task({
  name: 'shops',
  source: files({ paths: 'shops.csv', format: csv() }),
  columns: { id: column.int64(), town: column.string() },
  output: parquet({ path: 'shops' }),
})
const joined = task({
  name: 'joined',
  source: joinOf({ left: sales, right: shops }, { on: { shop: 'id' }, how: 'left'${options} }),
  output: parquet({ path: 'joined' }),
})
export default pipeline({ name: 'shops', tasks: [sales, shops, joined] })
`)
  await account.write('input/incoming/a.csv', 'shop,total\n1,5\n2,20\n,7\n')
  await account.write('input/shops.csv', 'id,town\n1,Bern\n')
  const run = () => walk(account, { task: 'joined' })
  expect(await run()).toMatchObject({
    answer: { status: 'complete', counts: { complete: 3 } },
    waves: [['sales', 'shops'], ['joined']],
  })
  const rows = (await account.rows('joined')).toSorted((a, b) => Number(a.total) - Number(b.total))
  expect(rows).toEqual([
    { shop: 1, total: 5, town: 'Bern' },
    { shop: null, total: 7, town: null },
    { shop: 2, total: 20, town: null },
  ])
  const state = readdirSync(join(account.folder, 'output/.fanmill'), { recursive: true }).map(String)
  // The other two tasks have a stage each.
  expect(state.filter(file => file.endsWith('plan.json')).length).toBe(2 + stages)
  expect(await run()).toMatchObject({ answer: { status: 'complete', counts: { skipped: 3 } } })
})

it('joins datasets that are kept by its key in the stage that totals their rows', async () => {
  account = await Account.open(`
import { column, count, csv, files, joinOf, parquet, pipeline, sum, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'incoming/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales', bucketBy: { columns: ['shop'], buckets: 3 } }),
})
const shops = task({
  name: 'shops',
  source: files({ paths: 'shops.csv', format: csv() }),
  columns: { id: column.int64(), town: column.string() },
  output: parquet({ path: 'shops', bucketBy: { columns: ['id'], buckets: 3 } }),
})
const towns = task({
  name: 'towns',
  source: joinOf({ left: sales, right: shops }, { on: { shop: 'id' }, how: 'left' }),
  output: parquet({ path: 'towns' }),
}).reduce({ by: ['town'], measures: { n: count(), total: sum('total') } })
export default pipeline({ name: 'shops', tasks: [sales, shops, towns] })
`)
  await account.write('input/incoming/a.csv', 'shop,total\n1,5\n2,20\n,7\n')
  await account.write('input/shops.csv', 'id,town\n1,Bern\n')
  expect(await walk(account, { task: 'towns' })).toMatchObject({ answer: { status: 'complete' } })
  const rows = (await account.rows('towns')).toSorted((a, b) => Number(a.total) - Number(b.total))
  expect(rows.map(({ town, n, total }) => [town, Number(n), Number(total)])).toEqual([
    ['Bern', 1, 5],
    [null, 2, 27],
  ])
})

it('counts the parts that it did not read, for whoever waits for the execution', async () => {
  account = await Account.open(`
import { column, csv, files, parquet, partitionsOf, pipeline, sql, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'incoming/*.csv', format: csv() }),
  columns: { shop: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales', partitionBy: ['shop'] }),
})
const some = task({
  name: 'some',
  source: partitionsOf({ path: 'sales', root: 'output' }, { where: sql\`shop = 2\` }),
  output: parquet({ path: 'some' }),
})
export default pipeline({ name: 'shops', tasks: [sales, some] })
`)
  await account.write('input/incoming/a.csv', 'shop,total\n1,5\n2,20\n3,7\n')
  expect(await account.execute('sales', { task: 'sales' })).toMatchObject({ status: 'planned' })
  const { run, error } = await account.execute('some', { task: 'some' })
  expect(error).toBeUndefined()
  expect((await account.rows('some')).map(({ total }) => total)).toEqual([20])
  const answer = { task: 'some', run }
  const { tasks } = await waitFor(
    deployedWith(account, [
      { ...answer, status: 'planned', done: true },
      { ...answer, status: 'complete' },
    ]),
    'arn',
  )
  expect(tasks).toMatchObject([{ task: 'some', status: 'complete', rowsRead: 1, partsSkipped: 2 }])
})

/** A deployed pipeline whose only execution has ended with these answers of its functions. */
function deployedWith({ folder }: Account, answers: readonly object[]): Deployed {
  const outputSpec: StoreSpec = { kind: 'disk', folder: join(folder, 'output') }
  const execution = { arn: 'arn', name: 'first', status: 'succeeded', startedAt: '2024-01-01T00:00:00Z', input: '{}' }
  const control = { describe: async () => execution, stateOutputs: async () => answers.map(one => JSON.stringify(one)) }
  return { name: 'shops', control, outputSpec, store: openStore(outputSpec) } as unknown as Deployed
}
