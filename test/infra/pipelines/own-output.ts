/** Its second task reads the parts of the first one with a glob below the input root. */
import { column, csv, files, param, parquet, parquetFiles, pipeline, task } from 'fanmill'

const params = { day: param.date() }
const columns = { id: column.int32() }
const output = parquet({ path: '{task}/{day}' })

const daily = task({
  name: 'daily',
  params,
  source: files({ paths: 'in/{day}/*.csv', format: csv() }),
  columns,
  output,
})
const weekly = task({
  name: 'weekly',
  params,
  source: files({ paths: 'daily/{day}/**/*.parquet', format: parquetFiles() }),
  columns,
  output,
})

export default pipeline({ name: 'own-output', tasks: [daily, weekly] })
