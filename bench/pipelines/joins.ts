/** The benchmark's join of two datasets. */
import { files, joinOf, parquet, parquetFiles, partitionsOf, pipeline, task } from 'fanmill'

const copied = (name: string) =>
  task({
    name,
    source: files({ paths: `in/${name}/*.parquet`, format: parquetFiles() }),
    output: parquet({ path: `data/${name}`, compression: 'snappy' }),
  })

const side = (name: string, columns: readonly string[]) => partitionsOf({ path: `data/${name}` }, { columns })

export default pipeline({
  name: 'joins',
  tasks: [
    copied('orders'),
    copied('payments'),
    task({
      name: 'joined',
      source: joinOf(
        {
          left: side('orders', ['id', 'customer', 'amount', 'product']),
          right: side('payments', ['order_id', 'paid_at', 'method', 'total']),
        },
        { on: { id: 'order_id' } },
      ),
      output: parquet({ path: 'joined', compression: 'snappy' }),
    }),
  ],
})
