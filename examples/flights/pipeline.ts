/** Three million flights, from one zip of 1,341 CSV members to Parquet partitioned by the state they left from. */
import { column, csv, parquet, pipeline, table, task, zipMembers } from 'fanmill'

export const flights = task({
  name: 'flights',
  source: zipMembers({ paths: 'incoming/*.zip', members: '**/*.csv', format: csv() }),
  columns: {
    date: column.timestamp({ required: true }),
    delay: column.int32(),
    distance: column.int32(),
    origin: column.string(),
    destination: column.string(),
  },
  tables: { airports: table('reference/airports.csv', csv()) },
  output: parquet({ path: '{task}', partitionBy: ['state'] }),
}).sql<{ state: string | null }>`select i.*, a.state from input i left join airports a on a.iata = i.origin`.mapRows(
  row => ({ season: season(row.date) }),
  { adds: { season: column.string() } },
)

export default pipeline({ name: 'flights', tasks: [flights], trigger: { upload: 'incoming/*.zip' } })

const seasons = ['winter', 'spring', 'summer', 'autumn']

/** Meteorological: winter begins in December. */
function season(date: Date): string {
  return seasons[Math.floor(((date.getUTCMonth() + 1) % 12) / 3)] ?? ''
}
