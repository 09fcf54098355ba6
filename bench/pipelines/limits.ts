/** Tasks over inputs that once took too much memory or time. */
import { column, csv, files, parquet, parquetFiles, pipeline, task } from 'fanmill'

const whole = { id: column.int64(), s: column.string(), x: column.float64() }
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `c${index}`)
const output = parquet({ path: '{task}' })

export default pipeline({
  name: 'limits',
  tasks: [
    task({
      name: 'wide',
      source: files({ paths: 'limits/wide.csv', format: csv() }),
      columns: Object.fromEntries(numbered(450).map(name => [name, column.int32()])),
      output,
    }),
    task({
      name: 'wide-record',
      source: files({ paths: 'limits/wide-record.csv', format: csv() }),
      columns: whole,
      output,
      rejects: { max: 1 },
    }),
    task({
      name: 'header',
      source: files({ paths: 'limits/header.csv', format: csv() }),
      columns: { c3: column.int32(), c500: column.int32(), c99999: column.int32() },
      output,
    }),
    task({ name: 'log', source: files({ paths: 'limits/log.csv.gz', format: csv() }), columns: whole, output }),
    task({
      name: 'partitions',
      source: files({ paths: 'limits/keys.csv', format: csv() }),
      columns: { k: column.string(), n: column.int32() },
      output: parquet({ path: '{task}', partitionBy: ['k'] }),
    }),
    task({ name: 'parquets', source: files({ paths: 'limits/parquets/*.parquet', format: parquetFiles() }), output }),
  ],
})
