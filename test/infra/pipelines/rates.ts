/** A pipeline whose columns are known when the file of its table is there. */
import { column, csv, files, parquet, pipeline, table, task } from 'fanmill'

const rated = task({
  name: 'rated',
  source: files({ paths: 'sales/*.csv', format: csv() }),
  columns: { amount: column.float64(), country: column.string() },
  tables: { rates: table('rates.csv', csv()) },
  output: parquet({ path: '{task}' }),
}).sql`select i.*, r.rate from input i left join rates r on r.country = i.country`

export default pipeline({ name: 'rates', tasks: [rated] })
