/** A source whose rows the user's code yields, in Lambda functions. */
import { afterEach, expect, it } from 'vitest'
import { Account } from './account.ts'

let account: Account
afterEach(() => account.close())

it('sends each batch its partitions, and starts no second run for the same partitions', async () => {
  account = await Account.open(`
import { column, parquet, param, pipeline, rowsFrom, task } from 'fanmill'
const orders = task({
  name: 'orders',
  params: { month: param.month() },
  source: rowsFrom({
    partitions: ({ month }) => [1, 2, 3].map(shop => ({ month, shop })),
    async *rows({ month, shop }) {
      for (let order = 0; order < 2; order++) yield { month, shop, order }
    },
    partitionBytes: 2 ** 28,
  }),
  columns: { month: column.string(), shop: column.int32(), order: column.int32() },
  output: parquet({ path: 'orders/{month}' }),
})
export default pipeline({ name: 'orders', tasks: [orders] })
`)
  const event = { params: { month: '2024-02' } }
  const { batches } = await account.execute('orders', event)
  expect(batches.length).toBeGreaterThan(1)
  const all = [1, 2, 3].flatMap(shop => [0, 1].map(order => ({ month: '2024-02', shop, order })))
  const rows = await account.rows('orders/2024-02')
  expect(rows.toSorted((a, b) => Number(a.shop) - Number(b.shop) || Number(a.order) - Number(b.order))).toEqual(all)
  expect(await account.execute('orders', event)).toMatchObject({ status: 'complete', batches: [] })
})
