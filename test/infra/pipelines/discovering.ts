/** A pipeline with a task that finds out what it requires. */
import { column, csv, files, param, parquet, partitionsOf, pipeline, task } from 'fanmill'

const visits = task({
  name: 'visits',
  params: { city: param.string() },
  source: files({ paths: 'visits/{city}.csv', format: csv() }),
  columns: { visitors: column.int32() },
  output: parquet({ path: 'lake/{task}/{city}' }),
})

const first = task({
  name: 'first',
  discover: async (_params, { list }) => {
    const [file = ''] = await list('visits/*.csv')
    return visits.withParams({ city: file.slice('visits/'.length, -'.csv'.length) })
  },
  source: partitionsOf(visits),
  output: parquet({ path: 'lake/{task}' }),
})

export default pipeline({ name: 'visits', tasks: [visits, first] })
