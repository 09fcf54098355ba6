/** The flights of a dataset against the Parquet file that they come from, by a reader that is not ours. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { airportsCsv, flightsParquet } from '../../examples/flights/prepare.ts'

/** Counts and sums by state, origin, destination and season. */
export type Tally = Map<string, { rows: number; delay: number; distance: number; minutes: number }>

/** A column of a Parquet file, as the reader gives it. */
type Values = Record<'date' | 'delay' | 'distance' | 'origin' | 'destination' | 'season', unknown[]>

export async function tallySource(): Promise<Tally> {
  const text = await readFile(airportsCsv, 'utf8')
  // Names may hold commas, what follows the state cannot: it is the last field but three.
  const airports = text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map(line => line.split(','))
  const states = new Map(airports.map(fields => [fields[0], fields.at(-4)] as const))
  const values = await readColumns(flightsParquet, ['date', 'delay', 'distance', 'origin', 'destination'])
  const tally: Tally = new Map()
  for (let row = 0; row < values.date.length; row++) {
    const month = (values.date[row] as Date).getUTCMonth()
    add(tally, `${states.get(String(values.origin[row]))}`, seasonOf[month]!, values, row)
  }
  return tally
}

const seasonOf = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0].map(index => ['winter', 'spring', 'summer', 'autumn'][index])

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
