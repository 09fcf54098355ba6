/** Starts on the first of each month, for the month before. */
import { column, cron, csv, files, lastMonth, param, parquet, pipeline, task } from 'fanmill'

const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: 'sales/{month}/*.csv', format: csv() }),
  columns: { total: column.int32() },
  output: parquet({ path: '{task}/{month}' }),
})

export default pipeline({
  name: 'scheduled',
  tasks: [sales],
  schedule: cron('0 6 1 * ? *', { timezone: 'Europe/Berlin', params: { month: lastMonth } }),
})
