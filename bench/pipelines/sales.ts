/** The benchmark's keyed tasks over 20 million sales. */
import { count, files, max, mean, parquet, parquetFiles, pipeline, sum, task } from 'fanmill'

const source = files({ paths: 'sales/*.parquet', format: parquetFiles() })
const output = parquet({ path: '{task}', compression: 'snappy' })

export default pipeline({
  name: 'sales',
  tasks: [
    task({ name: 'shops', source, output }).reduce({
      by: ['shop'],
      measures: { sales: count(), amount: sum('amount'), last: max('sold_at'), discount: mean('discount') },
    }),
    task({ name: 'customers', source, output }).reduce({
      by: ['customer'],
      measures: { sales: count(), amount: sum('amount'), last: max('sold_at') },
    }),
  ],
})
