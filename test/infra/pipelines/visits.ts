/** A small pipeline with what a deployment depends on: a trigger, a table, a secret, a file, a helper of its own. */
import { readFileSync } from 'node:fs'
import { column, csv, files, memberFiles, param, parquet, pipeline, secret, table, task, zipMembers } from 'fanmill'
import { double } from './double.ts'

/** Read when the module is imported: on Lambda from what `include` shipped. */
const factor = Number(readFileSync(new URL('./models/factor.txt', import.meta.url), 'utf8'))

export const visits = task({
  name: 'visits',
  params: { month: param.month() },
  source: files({ paths: 'visits/{month}/*.csv', format: csv() }),
  columns: { city: column.string(), visitors: column.int32() },
  tables: { cities: table('reference/cities.csv', csv()) },
  secrets: { api: secret('weather/api-key') },
  output: parquet({ path: 'lake/{task}/{month}' }),
}).mapRows(row => ({ ...row, twice: double(row.visitors ?? 0) * factor }), {
  adds: { twice: column.int32() },
})

export const pictures = task({
  name: 'pictures',
  source: zipMembers({ paths: 'pictures/*.zip' }),
  output: memberFiles({ path: 'extracted' }),
})

export default pipeline({ name: 'visits', tasks: [visits, pictures], trigger: { upload: 'visits/{month}/*.csv' } })
