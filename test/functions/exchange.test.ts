/** A task of several stages, in Lambda functions. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { openDataset } from '../../lib/index.ts'
import { Account } from './account.ts'

const pipeline = `
import { column, count, csv, parquet, pipeline, sum, task, zipMembers } from 'fanmill'
const totals = task({
  name: 'totals',
  source: zipMembers({ paths: '*.zip', format: csv() }),
  columns: { shop: column.string(), day: column.int32(), total: column.int32() },
  output: parquet({ path: 'totals' }),
})
  .reduce({ by: ['shop', 'day'], measures: { total: sum('total') }, buckets: 3 })
  .reduce({ by: ['shop'], measures: { days: count(), best: sum('total') } })
const sorted = task({
  ...{ name: 'sorted', source: totals.source, columns: totals.columns },
  output: parquet({ path: 'sorted', sortBy: { columns: ['shop', 'day'], descending: ['shop'], global: true } }),
})
export default pipeline({ name: 'shops', tasks: [totals, sorted] })
`

let account: Account
afterEach(() => account.close())

async function openWithSales(): Promise<void> {
  account = await Account.open(pipeline, { FANMILL_GROUP_BYTES: '20000' })
  for (const file of [0, 1, 2]) {
    const rows = Array.from({ length: 3000 }, (_, row) => `s${row % 7},${row % 5},${file}\n`)
    await account.upload(`${file}.zip`, { 'sales.csv': `shop,day,total\n${rows.join('')}` })
  }
}

const expected = Array.from({ length: 7 }, (_, shop) => {
  const rows = Array.from({ length: 3000 }, (_, row) => row % 7).filter(each => each === shop).length
  return { shop: `s${shop}`, days: 5n, best: BigInt(rows * (0 + 1 + 2)) }
})

it('goes through its stages by the calls of Commit, and removes the exchanged rows', async () => {
  await openWithSales()
  const { status, batches, commitCalls } = await account.execute('totals', {})
  expect([status, commitCalls]).toEqual(['planned', 3])
  expect(batches.length).toBeGreaterThan(3)
  expect(await account.rows('totals')).toEqual(expected)
  expect(existsSync(join(account.folder, 'output/.fanmill/exchange'))).toBe(false)
  expect(await account.execute('totals', {})).toMatchObject({ status: 'complete', batches: [] })
})

it('fails when batches of a later stage have no outcome, and processes only those when it runs again', async () => {
  await openWithSales()
  let commits = 0
  const { process: original } = account
  account.process = (task, options) =>
    options.item.stage === 2 && commits++ === 0
      ? Promise.reject(new Error('killed'))
      : original.call(account, task, options)
  const { error } = await account.execute('totals', {})
  expect(error).toMatchObject({ code: 'BATCHES_FAILED' })
  const again = await account.execute('totals', {})
  expect([again.status, again.error]).toEqual(['planned', undefined])
  expect(await account.rows('totals')).toEqual(expected)
})

it('sorts the rows of all parts', async () => {
  await openWithSales()
  const { status, commitCalls } = await account.execute('sorted', {})
  expect([status, commitCalls]).toEqual(['planned', 2])
  const dataset = await openDataset(join(account.folder, 'output/sorted'))
  const keys = (await Array.fromAsync(dataset.rows())).map(({ shop, day }) => `${shop} ${day}`)
  const all = Array.from({ length: 9000 }, (_, row) => `s${(row % 3000) % 7} ${(row % 3000) % 5}`)
  const [shopOf, dayOf] = [0, 1].map(at => (key: string) => key.split(' ')[at] ?? '')
  const byShop = (a: string, b: string) => shopOf!(b).localeCompare(shopOf!(a)) || dayOf!(a).localeCompare(dayOf!(b))
  expect(keys).toEqual(all.toSorted(byShop))
})
