/** Loads, but its SQL names a column that there is not. */
import { column, csv, files, parquet, pipeline, sql, task } from 'fanmill'

const lateFlights = task({
  name: 'late-flights',
  source: files({ paths: 'flights/*.csv', format: csv() }),
  columns: { delay: column.int32(), origin: column.string() },
  where: sql`dely > 0`,
  output: parquet({ path: '{task}' }),
})

export default pipeline({ name: 'flights', tasks: [lateFlights] })
