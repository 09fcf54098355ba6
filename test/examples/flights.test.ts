/** The example, run into a temporary folder and compared with the Parquet file that its input was made from. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import pipeline from '../../examples/flights/pipeline.ts'
import { airportsCsv, flightsParquet, prepare } from '../../examples/flights/prepare.ts'
import type { TaskResult } from '../../lib/core/events.ts'
import { run } from '../../lib/local.ts'

describe('the flights example', () => {
  let folder: string
  let first: TaskResult
  let expected: Tally

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanmill-flights-'))
    await prepare(join(folder, 'data'))
    first = await runFlights(folder)
    expected = await tallySource()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads and writes every flight of 1,341 members', () => {
    expect(first).toMatchObject({
      status: 'complete',
      members: 1341,
      rowsRead: 3_000_000,
      rowsWritten: 3_000_000,
      rowsRejected: 0,
    })
  })

  it('has the rows and sums of the original Parquet, by state, route and season', async () => {
    const actual = await tallyDataset(join(folder, 'out/flights'))
    expect(actual.size).toBeGreaterThan(1_000)
    expect(lines(actual)).toEqual(lines(expected))
  })

  it('writes at most two parts a state', async () => {
    const parts = new Map<string, number>()
    for (const { state } of await partsOf(join(folder, 'out/flights'))) parts.set(state, (parts.get(state) ?? 0) + 1)
    expect(parts.size).toBe(52)
    expect(Math.max(...parts.values())).toBeLessThanOrEqual(2)
  })

  it('writes _SUCCESS, which lists the parts', async () => {
    const manifest = JSON.parse(await readFile(join(folder, 'out/flights/_SUCCESS'), 'utf8'))
    expect(manifest.parts).toHaveLength((await partsOf(join(folder, 'out/flights'))).length)
  })

  it('is skipped as complete when run again', async () => {
    expect(await runFlights(folder)).toMatchObject({ status: 'skipped', run: first.run })
  })
})

/** Counts and sums by state, origin, destination and season. */
type Tally = Map<string, { rows: number; delay: number; distance: number; minutes: number }>

/** A column of a Parquet file, as the reader gives it. */
type Values = Record<'date' | 'delay' | 'distance' | 'origin' | 'destination' | 'season', unknown[]>

async function runFlights(folder: string): Promise<TaskResult> {
  const result = await run(pipeline, { task: 'flights', input: join(folder, 'data'), output: join(folder, 'out') })
  expect(result.tasks).toHaveLength(1)
  return result.tasks[0]!
}

async function tallySource(): Promise<Tally> {
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

async function tallyDataset(folder: string): Promise<Tally> {
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

const lines = (tally: Tally): string[] => [...tally].map(([key, sums]) => `${key} ${JSON.stringify(sums)}`).sort()

async function partsOf(folder: string): Promise<readonly { readonly state: string; readonly path: string }[]> {
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
