/**
 * Runs the pipelines of the pages about graphs and partitions: all tasks of a page as one graph, over tiny inputs such as the page
 * describes. What cannot run here is in `standIns`, with the reason.
 */
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openDataset } from '../lib/index.ts'
import { project } from './local/project.ts'
import { snippetsIn } from './snippets.ts'
import { buildZip } from './zip-builder.ts'

const root = join(import.meta.dirname, '..')
const snippetsOf = (page: string): string[] => snippetsIn(readFileSync(join(root, page), 'utf8'))

/** Tasks of which something else is run here than in production. */
const standIns: Readonly<Record<string, string>> = {
  marts: 'starts Python, which not every machine has; a shell writes what the script would',
  scores: 'AWS Glue runs the job; its function `local` stands in, as it does on any laptop',
}

/** Returns the page's snippets as one pipeline with all tasks that they define or import. */
function pipelineOf(page: string): string {
  const text = snippetsOf(page)
    .join('\n')
    .replace(/^export default .*$/m, '')
  const defined = [...text.matchAll(/^const (\w+) = (?:task|programTask|stateTask)\(/gm)]
  const imported = [...text.matchAll(/^import \{ (\w+) \} from '\.\/flights\.ts'$/gm)]
  const tasks = [...defined, ...imported].map(([, name]) => name)
  return `${text}\nimport { pipeline as whole } from 'fanmill'\nexport default whole({ name: 'page', tasks: [${tasks}] })\n`
}

const months = (year: number): string[] =>
  Array.from({ length: 12 }, (_, index) => `${year}-${String(index + 1).padStart(2, '0')}`)
/** Returns the same file for each month. */
const monthly = (year: number, path: (month: string) => string, text: string) =>
  Object.fromEntries(months(year).map(month => [path(month), text]))

interface Page {
  readonly params: Readonly<Record<string, unknown>>
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** The rows of each node. For months that a task requires besides the requested one, see `alike`. */
  readonly rows: Readonly<Record<string, readonly object[]>>
  /** Nodes that have the rows of another one. */
  readonly alike?: Readonly<Record<string, string>>
}

const later = months(2001).slice(1)
const pages: Readonly<Record<string, Page>> = {
  'docs/tasks.md': {
    params: { year: 2001, month: '2001-01', airline: 'XE' },
    files: {
      ...monthly(2001, month => `incoming/${month}.csv`, 'origin,delay\nABE,90\nATL,5\n'),
      'airports.csv': 'iata,state\nABE,PA\n',
      'routes/2001-01.csv': 'airline\nXE\nOO\n',
      'fleet/XE.csv': 'aircraft\nE145\n',
      'fleet/OO.csv': 'aircraft\nCRJ2\n',
      'bookings/2001-01/_SUCCESS': '',
      'bookings/2001-01/a.csv': 'price\n9.50\n',
      'scores/2001-01/_SUCCESS': '',
      'stations.csv': 'iata,state\nABE,PA\n',
      'reference/carriers.zip': buildZip([{ name: 'carriers.csv', data: 'code,name\nXE,Express\n' }]),
      'fares/2001-01/a.csv': 'origin,fare\nABE,80.00\n',
    },
    rows: {
      'flights(month=2001-01)': [
        { origin: 'ABE', delay: 90 },
        { origin: 'ATL', delay: 5 },
      ],
      'late(month=2001-01)': [{ origin: 'ABE', delay: 90 }],
      'airports(year=2001)': [{ iata: 'ABE', state: 'PA' }],
      'routes(month=2001-01)': [{ airline: 'XE' }, { airline: 'OO' }],
      'fleet(airline=XE)': [{ aircraft: 'E145' }],
      'fleet(airline=OO)': [{ aircraft: 'CRJ2' }],
      'overview(month=2001-01)': [{ iata: 'ABE' }],
      'sales(month=2001-01)': [{ price: '9.50' }],
      'totals(month=2001-01)': [{ total: 7n }],
      stations: [{ iata: 'ABE', state: 'PA' }],
      'named(month=2001-01)': [
        { origin: 'ABE', delay: 90, state: 'PA' },
        { origin: 'ATL', delay: 5, state: null },
      ],
      'ranked(month=2001-01)': [{ origin: 'ABE', delay: 90, hours: 1.5 }],
    },
    alike: Object.fromEntries(
      ['flights', 'late'].flatMap(task => later.map(month => [`${task}(month=${month})`, `${task}(month=2001-01)`])),
    ),
  },
  'docs/partitions.md': {
    params: { year: 2024, month: '2024-01' },
    files: {
      'flights.ts': snippetsOf('README.md')[0] ?? '',
      'incoming/a.zip': buildZip([
        {
          name: 'jan.csv',
          data: 'date,delay,origin\n2001-01-05 10:00:00,90,JFK\n2001-01-05 11:00:00,5,JFK\n2001-01-06 10:00:00,70,ABE\n',
        },
      ]),
      'reference/airports.csv': 'iata,state\nJFK,NY\nABE,PA\n',
      'airports.csv': 'iata,town,state\nJFK,New York,NY\n',
      ...monthly(2024, month => `sales/${month}.csv`, 'shop,total\nnorth,3\n'),
      'sales/2023-12.csv': 'shop,total\nnorth,2\n',
      'orders/a.csv': 'customer,total\n1,9.50\n2,1.00\n',
      'customers/a.csv': 'id,land\n1,CH\n',
    },
    rows: {
      flights: [
        { date: new Date('2001-01-05T10:00:00Z'), delay: 90, origin: 'JFK', season: 'winter', state: 'NY' },
        { date: new Date('2001-01-05T11:00:00Z'), delay: 5, origin: 'JFK', season: 'winter', state: 'NY' },
        { date: new Date('2001-01-06T10:00:00Z'), delay: 70, origin: 'ABE', season: 'winter', state: 'PA' },
      ],
      late: [{ origin: 'JFK', delay: 90 }],
      'sales(month=2024-01)': [{ shop: 'north', total: 3 }],
      'sales(month=2023-12)': [{ shop: 'north', total: 2 }],
      'year(year=2024)': months(2024).map(month => ({ shop: `north in ${month}`, total: 3, month })),
      'change(month=2024-01)': [{ shop: 'north', total: 3, before_total: 2 }],
      airports: [{ iata: 'JFK', town: 'New York', state: 'NY' }],
      places: [
        {
          date: new Date('2001-01-05T10:00:00Z'),
          delay: 90,
          origin: 'JFK',
          season: 'winter',
          state: 'NY',
          town: 'New York',
        },
        {
          date: new Date('2001-01-05T11:00:00Z'),
          delay: 5,
          origin: 'JFK',
          season: 'winter',
          state: 'NY',
          town: 'New York',
        },
        { date: new Date('2001-01-06T10:00:00Z'), delay: 70, origin: 'ABE', season: 'winter', state: 'PA', town: null },
      ],
      orders: [
        { customer: 1n, total: '9.50' },
        { customer: 2n, total: '1.00' },
      ],
      customers: [{ id: 1n, land: 'CH' }],
      sold: [{ customer: 1n, total: '9.50', land: 'CH' }],
    },
    alike: Object.fromEntries(
      months(2024)
        .slice(1)
        .map(month => [`sales(month=${month})`, 'sales(month=2024-01)']),
    ),
  },
  'docs/coming-from.md': {
    params: { month: '2001-01' },
    files: {
      'incoming/2001-01.csv': 'origin,delay\nABE,90\nABE,70\nATL,5\n',
      'airports.csv': 'iata,town\nABE,Allentown\n',
    },
    rows: {
      'flights(month=2001-01)': [
        { origin: 'ABE', delay: 90 },
        { origin: 'ABE', delay: 70 },
        { origin: 'ATL', delay: 5 },
      ],
      'delays(month=2001-01)': [
        { origin: 'ABE', flights: 2n, late: 160n, mean: 80 },
        { origin: 'ATL', flights: 1n, late: 5n, mean: 5 },
      ],
      'longest(month=2001-01)': [
        { origin: 'ABE', delay: 90, place: 1n },
        { origin: 'ABE', delay: 70, place: 2n },
      ],
      airports: [{ iata: 'ABE', town: 'Allentown' }],
      'places(month=2001-01)': [
        { origin: 'ABE', delay: 90, town: 'Allentown' },
        { origin: 'ABE', delay: 70, town: 'Allentown' },
        { origin: 'ATL', delay: 5, town: null },
      ],
    },
  },
}

let cities: Uint8Array
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-documented-'))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`COPY (SELECT 'Allentown' AS city) TO '${join(folder, 'cities.parquet')}'`)
  connection.closeSync()
  cities = readFileSync(join(folder, 'cities.parquet'))
  const written = '"$FANMILL_INPUT/marts/$2"'
  const script = `#!/bin/sh\nmkdir -p ${written}\nprintf 'total\\n7\\n' > ${written}/a.csv\n: > ${written}/_SUCCESS\n`
  writeFileSync(join(folder, 'python3'), script)
  chmodSync(join(folder, 'python3'), 0o755)
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
  vi.stubEnv('WAREHOUSE_PASSWORD', 'a password')
})
afterAll(() => {
  vi.unstubAllEnvs()
})

const inOrder = (rows: readonly object[]): readonly object[] =>
  rows.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
const textOf = (row: object): string =>
  JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value))

it.each(Object.entries(pages))(
  'runs every pipeline of %s, whose tasks have the rows that the page promises',
  async (page, { files, params, rows, alike = {} }) => {
    const made = project(pipelineOf(page), { 'reference/cities.parquet': cities, ...files })
    // Forced, because the target of the stand-in is there already.
    const { error, tasks } = await made.run({ params, force: true })
    expect(error).toBeUndefined()
    const others = tasks.filter(({ task }) => Object.hasOwn(standIns, task))
    for (const { task, status } of others) expect(status, standIns[task]).toBe('complete')
    const written = tasks.filter(task => !others.includes(task))
    const found = await Promise.all(
      written.map(async ({ node, output }) => [
        node,
        inOrder(await Array.fromAsync((await openDataset(output)).rows())),
      ]),
    )
    const same = Object.entries(alike).map(([node, other]) => [node, rows[other] ?? []] as const)
    const expected = [...Object.entries(rows), ...same].map(([node, all]) => [node, inOrder(all)])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  },
)
