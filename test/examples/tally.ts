/** The flights of a dataset against the Parquet file that they come from. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { airportsCsv, flightsParquet } from '../../examples/flights/prepare.ts'

/** Counts and sums by state, origin, destination and season. */
export type Tally = Map<string, { rows: number; delay: number; distance: number; minutes: number }>

/** A column of a Parquet file, as the reader gives it. */
type Values = Record<'date' | 'delay' | 'distance' | 'origin' | 'destination' | 'season', unknown[]>

/** Tallies the Parquet file from which the example's input is made, with one query. */
export async function tallySource(): Promise<Tally> {
  const airports = (await readFile(airportsCsv, 'utf8')).trim().split(/\r?\n/).slice(1)
  // Names may hold commas, what follows the state cannot: it is the last field but three.
  const states = airports.map(line => line.split(',')).map(fields => ({ iata: fields[0], state: fields.at(-4) }))
  const seasons = `['winter', 'spring', 'summer', 'autumn'][month(date) % 12 // 3 + 1]`
  return tallyRows(
    `select *, ${seasons} as season from read_parquet($file)
      left join (select unnest(from_json($states, '[{"iata":"VARCHAR","state":"VARCHAR"}]'), recursive := true)) on iata = origin`,
    { file: flightsParquet, states: JSON.stringify(states) },
  )
}

/** Tallies a dataset as `tallyDataset` does, with the engine: in a tenth of the time, for tests that follow one with the other reader. */
export async function tallyWithEngine(folder: string): Promise<Tally> {
  const rows = 'select * from read_parquet($files, hive_partitioning = true)'
  return tallyRows(rows, { files: join(folder, '**/*.parquet') })
}

async function tallyRows(rows: string, values: Readonly<Record<string, string>>): Promise<Tally> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(
    `select concat_ws(' ', state, origin || '-' || destination, season) as key, count(*)::int as rows, sum(delay)::double as delay,
       sum(distance)::double as distance, sum(epoch_ms(date) / 60000)::double as minutes
     from (${rows}) group by all`,
    values,
  )
  const groups = reader.getRowObjectsJS() as unknown as {
    key: string
    rows: number
    delay: number
    distance: number
    minutes: number
  }[]
  connection.closeSync()
  instance.closeSync()
  return new Map(groups.map(({ key, ...sums }) => [key, sums]))
}

/** Tallies a dataset by a reader that is not ours. */
export async function tallyDataset(folder: string): Promise<Tally> {
  const tally: Tally = new Map()
  for (const { state, path } of await partsOf(folder)) {
    const values = await readColumns(path, ['date', 'delay', 'distance', 'origin', 'destination', 'season'])
    for (let row = 0; row < values.date.length; row++) add(tally, state, String(values.season[row]), values, row)
  }
  return tally
}

function add(tally: Tally, state: string, season: string, values: Values, row: number): void {
  const key = `${state} ${values.origin[row]}-${values.destination[row]} ${season}`
  const sums = tally.get(key) ?? { rows: 0, delay: 0, distance: 0, minutes: 0 }
  sums.rows += 1
  sums.delay += Number(values.delay[row])
  sums.distance += Number(values.distance[row])
  sums.minutes += (values.date[row] as Date).getTime() / 60_000
  tally.set(key, sums)
}

export const lines = (tally: Tally): string[] =>
  [...tally].map(([key, sums]) => `${key} ${JSON.stringify(sums)}`).sort()

export async function partsOf(folder: string): Promise<readonly { readonly state: string; readonly path: string }[]> {
  const names = await readdir(folder, { recursive: true })
  return names
    .filter(name => name.endsWith('.parquet'))
    .map(name => ({ state: /(?:^|\/)state=([^/]+)\//.exec(name)?.[1] ?? 'none', path: join(folder, name) }))
}

async function readColumns(path: string, columns: string[]): Promise<Values> {
  const values: Record<string, unknown[]> = Object.fromEntries(columns.map(name => [name, []]))
  await parquetRead({
    file: await asyncBufferFromFile(path),
    compressors,
    columns,
    onChunk: ({ columnName, columnData, rowStart }) => {
      for (let index = 0; index < columnData.length; index++) values[columnName]![rowStart + index] = columnData[index]
    },
  })
  return values as Values
}
