/** Does not load: an option that there is not. */
import { csv, files, parquet, pipeline, task } from 'fanmill'

const given = {
  name: 'visits',
  source: files({ paths: '*.csv', format: csv() }),
  output: parquet({ path: 'visits' }),
  colums: {},
}

export default pipeline({ name: 'broken', tasks: [task(given as never)] })
