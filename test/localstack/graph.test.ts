/**
 * A deployed graph over real flights: files of somebody else, delays by origin, the airports with most flights, a join with
 * requirements that are found out, and a program at the end, for three months at once.
 */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TaskGraph } from '../../lib/graph/graph.ts'
import type { Store } from '../../lib/store/store.ts'
import { eventsOf, fanmill } from '../cli/fanmill.ts'
import { type DeployedPipeline, deployment } from './deployment.ts'
import { endpoint, environment } from './environment.ts'
import { type Ended, startAndWait, upload } from './executions.ts'
import { jsonOf, keysOf, lakeOf, rowsOf } from './lake.ts'

interface Flight {
  readonly date: string
  readonly origin: string
  readonly destination: string
  readonly delay: number
  readonly distance: number
}

const source = new URL('../data/flights-20k.json', import.meta.resolve('vega-datasets'))
const months = ['2001-01', '2001-02', '2001-03'] as const
const tasks = ['flights', 'delays', 'top', 'announced', 'kept'] as const

/** Flights of a month, as they are in the source. */
function flightsOf(month: string): Flight[] {
  const all = JSON.parse(readFileSync(source, 'utf8')) as Flight[]
  return all.filter(({ date }) => date.startsWith(month.replace('-', '/')))
}

const csvOf = (flights: readonly Flight[]): Buffer =>
  Buffer.from(
    [
      'origin,destination,delay,distance',
      ...flights.map(({ origin, destination, delay, distance }) => [origin, destination, delay, distance].join(',')),
    ].join('\n'),
  )

/** Flights and delays by origin, counted from the source. */
function delaysOf(month: string): { origin: string; flights: number; delay: number }[] {
  const sums = new Map<string, { origin: string; flights: number; delay: number }>()
  for (const { origin, delay } of flightsOf(month)) {
    const sum = sums.get(origin) ?? { origin, flights: 0, delay: 0 }
    sums.set(origin, { origin, flights: sum.flights + 1, delay: sum.delay + delay })
  }
  return [...sums.values()].sort((a, b) => (a.origin < b.origin ? -1 : 1))
}

const topOf = (month: string, least: number) =>
  delaysOf(month)
    .filter(({ flights }) => flights >= least)
    .sort((a, b) => b.flights - a.flights || (a.origin < b.origin ? -1 : 1))
    .map((row, index) => ({ ...row, place: index + 1 }))

/** The flights from the airports with so many of them. */
const keptOf = (month: string, least: number) => {
  const airports = new Set(topOf(month, least).map(({ origin }) => origin))
  return flightsOf(month).filter(({ origin }) => airports.has(origin))
}

const textsOf = (rows: readonly Readonly<Record<string, unknown>>[]): string[] =>
  rows.map(({ origin, destination, delay, distance }) => [origin, destination, delay, distance].join()).sort()

describe.skipIf(!endpoint)('a graph of tasks with exchanges', () => {
  let airports: DeployedPipeline
  let edited: DeployedPipeline
  let lake: Store

  beforeAll(async () => {
    ;({ airports, edited } = await deployment())
    lake = lakeOf(airports.output)
    for (const month of months) {
      await upload(airports, `incoming/${month}/flights.csv`, csvOf(flightsOf(month)))
      // Nothing begins before the flag of the external task.
      await upload(airports, `incoming/${month}/_SUCCESS`, Buffer.from(''))
    }
  })

  const numbersOf = async (dataset: string, ...names: readonly string[]): Promise<Record<string, unknown>[]> =>
    (await rowsOf(lake, dataset)).map(row => ({
      origin: row.origin,
      ...Object.fromEntries(names.map(name => [name, Number(row[name])])),
    }))

  const statusesOf = ({ tasks: nodes }: Ended) => Object.groupBy(nodes, ({ status }) => status)

  it('backfills three months: every node is committed once, in the rows of a count over the source', async () => {
    const ended = await startAndWait(airports, { params: { month: '2001-01..2001-03' } })
    expect(ended).toMatchObject({ status: 'SUCCEEDED', cause: '' })
    expect(
      statusesOf(ended)
        .committed?.map(({ node }) => node)
        .sort(),
    ).toEqual(tasks.flatMap(task => months.map(month => `${task}(month=${month})`)).sort())
    for (const month of months) {
      expect((await rowsOf(lake, `flights/${month}`)).length).toBe(flightsOf(month).length)
      const delays = await numbersOf(`delays/${month}`, 'flights', 'delay')
      expect(delays.toSorted((a, b) => (String(a.origin) < String(b.origin) ? -1 : 1))).toEqual(delaysOf(month))
      const top = await numbersOf(`top/${month}`, 'flights', 'delay', 'place')
      expect(top.toSorted((a, b) => Number(a.place) - Number(b.place))).toEqual(topOf(month, 10))
      expect(textsOf(await rowsOf(lake, `kept/${month}`))).toEqual(textsOf(keptOf(month, 10) as never))
    }
    // Rows between stages are no state that stays.
    expect(await keysOf(lake, '.fanmill/exchange/')).toEqual([])
  })

  it('has found out what a task requires, from rows and uploads, and recorded it in the graph', async () => {
    const [key = ''] = (await keysOf(lake, '.fanmill/graphs/')).filter(one => one.endsWith('/graph.json'))
    const { nodes } = await jsonOf<TaskGraph>(lake, key)
    const requiredBy = (month: string) => nodes.find(node => node.key === `kept(month=${month})`)?.requires.toSorted()
    const own = (month: string) => [`flights(month=${month})`, `top(month=${month})`]
    expect(requiredBy('2001-01')).toEqual(['delays(month=2001-01)', ...own('2001-01')])
    expect(requiredBy('2001-03')).toEqual([...months.map(month => `delays(month=${month})`), ...own('2001-03')])
  })

  it('runs only what depends on an edited step', async () => {
    const ended = await startAndWait(edited, { params: { month: '2001-01..2001-03' } })
    const { committed = [], complete = [] } = statusesOf(ended)
    const edits = committed.map(({ task }) => task).sort()
    expect(edits).toEqual(['announced', 'kept', 'top'].flatMap(task => [task, task, task]))
    expect(complete).toHaveLength(6)
    const top = await numbersOf('top/2001-02', 'flights', 'delay', 'place')
    expect(top.toSorted((a, b) => Number(a.place) - Number(b.place))).toEqual(topOf('2001-02', 100))
    expect(textsOf(await rowsOf(lake, 'kept/2001-02'))).toEqual(textsOf(keptOf('2001-02', 100) as never))
  })

  it('runs at a scheduled time for the parameters of that time', async () => {
    // The first of April in Berlin.
    const ended = await startAndWait(edited, { schedule: { time: '2001-03-31T22:30:00Z' } })
    expect(ended).toMatchObject({ status: 'SUCCEEDED' })
    // The delays of the months before are found out, and are complete.
    const found = ['2001-01', '2001-02'].flatMap(month => ['flights', 'delays'].map(task => `${task}(month=${month})`))
    const nodes = [...tasks.map(task => `${task}(month=2001-03)`), ...found]
    expect(ended.tasks.map(({ node, status }) => `${node} ${status}`).sort()).toEqual(
      nodes.map(node => `${node} complete`).sort(),
    )
  })

  it('is started for a range from the command line, which shows each node and leaves siblings of a failed one complete', async () => {
    const operate = (words: string) =>
      fanmill([...words.split(' '), '--stack', airports.stack, '--pipeline', 'Edited'], { env: environment })
    // Nothing was uploaded for April, so that no task could begin.
    const started = await operate('start top --param month=2001-03..2001-04 --wait --json')
    expect(started.code).toBe(1)
    expect(eventsOf(started).end).toMatchObject({ event: 'end', status: 'failed', error: { code: 'NO_INPUT' } })
    const status = await operate('status')
    for (const month of ['2001-03', '2001-04'])
      for (const task of ['flights', 'delays', 'top']) expect(status.stdout).toContain(`node ${task}(month=${month}): `)
    expect(status.stdout).toContain('node top(month=2001-03): complete already')
    expect(status.stdout).toContain('node flights(month=2001-04): failed')
    expect(status.stdout).toContain('node top(month=2001-04): not run')
  })
})
