/** A pipeline whose columns are known before it runs. */
import { column, csv, files, param, parquet, pipeline, table, task } from 'fanmill'

const sales = task({
  name: 'daily-sales',
  params: { month: param.month(), shop: param.string() },
  source: files({ paths: 'sales/{month}/{shop}.csv', format: csv() }),
  columns: { day: column.date(), amount: column.decimal(12, 2), country: column.string() },
  tables: { rates: table('rates.csv', csv(), { country: column.string(), rate: column.float64() }) },
  output: parquet({ path: '{task}/{month}/{shop}', partitionBy: ['country'] }),
}).sql<{ rate: number | null }>`select i.*, r.rate from input i left join rates r on r.country = i.country`.mapRows(
  row => ({ ...row, tags: ['a'] }),
  { adds: { tags: column.list(column.string()) } },
)

export default pipeline({ name: 'sales', tasks: [sales] })
