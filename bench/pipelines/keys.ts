/** The benchmark's task over 50 million rows of as many keys. */
import { count, files, parquet, parquetFiles, pipeline, sum, task } from 'fanmill'

const source = files({ paths: 'keys/*.parquet', format: parquetFiles() })

export default pipeline({
  name: 'keys',
  tasks: [
    task({ name: 'ids', source, output: parquet({ path: '{task}', compression: 'snappy' }) }).reduce({
      by: ['id'],
      measures: { n: count(), amount: sum('amount') },
    }),
  ],
})
