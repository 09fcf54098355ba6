/** The benchmark's joins of two datasets, as they are and kept by the key. */
import { files, joinOf, parquet, parquetFiles, partitionsOf, pipeline, task } from 'fanmill'

const copied = (name: string) =>
  task({
    name,
    source: files({ paths: `in/${name}/*.parquet`, format: parquetFiles() }),
    output: parquet({ path: `data/${name}`, compression: 'snappy' }),
  })

const orders = copied('orders')
const payments = copied('payments')

// 64 for 20 million rows.
const buckets = Math.ceil(Number(process.env.FANMILL_BENCH_JOIN_ROWS ?? 20_000_000) / 312_500)
const kept = (source: typeof orders, column: string) =>
  task({
    name: `${source.name}-kept`,
    source: partitionsOf({ path: `data/${source.name}` }),
    output: parquet({ path: '{task}', compression: 'snappy', bucketBy: { columns: [column], buckets } }),
  })
const ordersKept = kept(orders, 'id')
const paymentsKept = kept(payments, 'order_id')

const columns = {
  left: ['id', 'customer', 'amount', 'product'],
  right: ['order_id', 'paid_at', 'method', 'total'],
}
const side = (name: string, columns: readonly string[]) => partitionsOf({ path: `data/${name}` }, { columns })

export default pipeline({
  name: 'joins',
  tasks: [
    orders,
    payments,
    ordersKept,
    paymentsKept,
    task({
      name: 'joined',
      source: joinOf(
        {
          left: side('orders', columns.left),
          right: side('payments', columns.right),
        },
        { on: { id: 'order_id' } },
      ),
      output: parquet({ path: 'joined', compression: 'snappy' }),
    }),
    task({
      name: 'co-bucketed',
      source: joinOf(
        {
          left: partitionsOf(ordersKept, { columns: columns.left }),
          right: partitionsOf(paymentsKept, { columns: columns.right }),
        },
        { on: { id: 'order_id' } },
      ),
      output: parquet({ path: '{task}', compression: 'snappy' }),
    }),
  ],
})
