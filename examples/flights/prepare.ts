/** Writes the example's input from the vega-datasets package: three million real flights as one zip of 1,341 CSV members. */
import { createWriteStream } from 'node:fs'
import { access, copyFile, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { ZipFile } from 'yazl'

// The package exports only its entry, build/index.js; the data stands beside it.
const data = new URL('../data/', import.meta.resolve('vega-datasets'))

/** The Parquet file that the example's flights come from. */
export const flightsParquet: string = fileURLToPath(new URL('flights-3m.parquet', data))

/** Airports by IATA code, with their state. */
export const airportsCsv: string = fileURLToPath(new URL('airports.csv', data))

/**
 * Writes `incoming/flights-2001.zip` and `reference/airports.csv` under `folder`, unless they are there.
 * The zip holds one member a month and airport of origin, such as `2001-01/ABE.csv`; its bytes are the same each time.
 */
export async function prepare(folder: string): Promise<void> {
  await writeOnce(join(folder, 'reference/airports.csv'), path => copyFile(airportsCsv, path))
  await writeOnce(join(folder, 'incoming/flights-2001.zip'), writeFlights)
}

/** Written under another name and renamed, so that a file cut short is never taken for the whole. */
async function writeOnce(path: string, write: (path: string) => Promise<void>): Promise<void> {
  if (await exists(path)) return
  await mkdir(dirname(path), { recursive: true })
  const pending = `${path}.${process.pid}.pending`
  await write(pending)
  await rename(pending, path)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function writeFlights(path: string): Promise<void> {
  const zip = new ZipFile()
  // The DOS time of a zip is local time without a zone: the same bytes in every time zone.
  const options = { mtime: new Date(2001, 6, 2), mode: 0o100644, forceDosTimestamp: true }
  for (const { name, text } of await membersOf(flightsParquet)) zip.addBuffer(Buffer.from(text), name, options)
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
}

/** One CSV text a month and origin, its rows in the order of the Parquet file. */
async function membersOf(parquet: string): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(
    `select strftime(date, '%Y-%m') || '/' || origin || '.csv' as name,
       'date,delay,distance,origin,destination' || chr(10)
         || string_agg(concat_ws(',', date, delay, distance, origin, destination) || chr(10), '' order by file_row_number) as text
     from read_parquet($parquet, file_row_number = true) group by name order by name`,
    { parquet },
  )
  const members = reader.getRowObjectsJS().map(({ name, text }) => ({ name: String(name), text: String(text) }))
  connection.closeSync()
  instance.closeSync()
  return members
}
