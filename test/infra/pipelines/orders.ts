import { column, parquet, pipeline, rowsFrom, task } from 'fanmill'

export default pipeline({
  name: 'orders',
  tasks: [
    task({
      name: 'orders',
      source: rowsFrom({
        partitions: [1, 2],
        *rows(shop) {
          yield { shop, total: 7 }
        },
      }),
      columns: { shop: column.int32(), total: column.int32() },
      output: parquet({ path: '{task}' }),
    }),
  ],
})
