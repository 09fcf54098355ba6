/** Stop times of a GTFS feed: one zip, whose texts have times past 24:00, to Parquet with one row for each call at a stop. */
import { column, csv, parquet, pipeline, table, task, zipMembers } from 'fanmill'

const route = { route_id: column.string({ required: true }), route_short_name: column.string() }

export const calls = task({
  name: 'calls',
  source: zipMembers({
    paths: 'feeds/*.zip',
    members: 'stop_times.txt',
    format: csv({ matchNames: 'ignoreCaseAndSpace' }),
  }),
  columns: {
    trip_id: column.string({ required: true, trim: true }),
    // A trip that begins before midnight calls at 25:35:00 of the same day.
    arrival: column.int32({ from: 'arrival_time', duration: 'seconds', trim: true }),
    departure: column.int32({ from: 'departure_time', duration: 'seconds', trim: true }),
    stop_id: column.string({ required: true }),
    stop_sequence: column.int32({ required: true }),
    timepoint: column.boolean({ true: ['1'], false: ['0'] }),
  },
  tables: { trips: table('reference/trips.txt', csv(), { trip_id: column.string(), ...route }) },
  onMissingColumn: 'null',
  output: parquet({ path: '{task}', sortBy: ['trip_id', 'stop_sequence'] }),
}).sql`
  select i.*, t.route_id, t.route_short_name, departure - arrival as waits
  from input i left join trips t using (trip_id)`

export default pipeline({ name: 'gtfs', tasks: [calls] })
