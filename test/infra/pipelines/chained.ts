import { column, csv, files, parquet, partitionsOf, pipeline, task } from 'fanmill'

const sales = task({
  name: 'sales',
  source: files({ paths: 'sales/*.csv', format: csv() }),
  columns: { total: column.int32() },
  output: parquet({ path: 'sales' }),
})
const large = task({ name: 'large', source: partitionsOf(sales), output: parquet({ path: 'large' }) })

export default pipeline({ name: 'chained', tasks: [large, sales] })
