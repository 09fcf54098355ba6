/** Tasks whose rows are brought together by key, over real files and worker threads. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, openDataset } from '../../lib/index.ts'
import { duckdb } from './compare.ts'
import { type Project, project } from './project.ts'

const pipeline = (steps: string, options = '') => `
import { column, count, csv, files, max, mean, min, parquet, pipeline, sql, stddev, sum, task, variance } from 'fanmill'
const totals = task({
  name: 'totals',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: {
    origin: column.string(), day: column.int32(), delay: column.int32(),
    price: column.decimal(12, 2), weight: column.float64(), id: column.int64(),
  },
  ${options}
  output: parquet({ path: 'totals' }),
})${steps}
export default pipeline({ name: 'p', tasks: [totals] })
`

const origins = ['ABE', 'ATL', 'BOS', 'DEN', 'JFK', 'LAX', 'SFO', '', 'ÅRE']

/** Makes rows of which an eighth has no value in a column. */
function csvOf(first: number, rows: number): string {
  const lines = ['origin,day,delay,price,weight,id']
  for (let row = first; row < first + rows; row++) {
    const delay = row % 8 === 0 ? '' : String(((row * 7919) % 200) - 40)
    const price = row % 11 === 0 ? '' : ((row * 31) % 100_000) / 100
    lines.push(`${origins[(row * 13) % 9]},${row % 31},${delay},${price},${Math.sin(row)},${row % 500}`)
  }
  return `${lines.join('\n')}\n`
}

const input = Object.fromEntries([0, 1, 2, 3, 4].map(file => [`in/${file}.csv`, csvOf(file * 2000, 2000)]))

/** Small sizes, so that there are several slices and batches. */
const tuning = { groupBytes: 40_000 }

async function rowsOf({ out }: Project): Promise<DatasetRow[]> {
  return Array.fromAsync((await openDataset(join(out, 'totals'))).rows())
}

const sorted = (rows: readonly DatasetRow[], ...by: string[]): DatasetRow[] =>
  rows.toSorted((a, b) => {
    const keys = (row: DatasetRow) => JSON.stringify(by.map(name => String(row[name])))
    return keys(a) < keys(b) ? -1 : 1
  })

describe('reduce', () => {
  const steps = `.reduce({ by: ['origin', 'day'], measures: {
    n: count(), delays: count('delay'), late: sum('delay'), price: sum('price'), weight: sum('weight'),
    least: min('delay'), most: max('price'), average: mean('delay'), spread: stddev('delay'), square: variance('weight'),
  } })`

  it('computes the same as one query over all files, and exchanges rows below the state only', async () => {
    const some = project(pipeline(steps), input)
    const { tasks } = await some.run({}, tuning)
    expect(tasks[0]?.status).toBe('complete')
    const expected = await duckdb(
      some.folder,
      `select origin, day, count(*) as n, count(delay) as delays, sum(delay) as late, sum(price) as price, sum(weight) as weight,
        min(delay) as least, max(price) as most, avg(delay) as average, stddev(delay) as spread, variance(weight) as square
      from read_csv('in/*.csv', types = {origin: 'VARCHAR', delay: 'INT', price: 'DECIMAL(12,2)'}) group by all`,
    )
    const rows = sorted(await rowsOf(some), 'origin', 'day')
    const wanted = sorted(expected, 'origin', 'day')
    expect(rows).toHaveLength(wanted.length)
    for (const [at, row] of rows.entries()) {
      for (const name of ['origin', 'day', 'n', 'delays', 'late', 'price', 'least', 'most'])
        expect([name, String(row[name])]).toEqual([name, String(wanted[at]![name])])
      for (const name of ['weight', 'average', 'spread', 'square'])
        expect(Number(row[name])).toBeCloseTo(Number(wanted[at]![name]), 8)
    }
    expect(existsSync(join(some.out, '.fanmill/exchange'))).toBe(false)
    const totals = some.manifest('totals').totals
    expect(totals).toMatchObject({ rows: wanted.length, rowsRead: 10_000, rowsFiltered: 10_000 - wanted.length })
    expect((await some.run({}, tuning)).tasks[0]?.status).toBe('skipped')
  })
})

describe('exchange', () => {
  it('brings the rows of a key together, so that a statement may number and group them', async () => {
    const steps = `
      .exchange({ by: ['origin'], buckets: 7 })
      .sql\`select *, day + 1 as next from input\`
      .sql({ scope: 'bucket' })\`select origin, id, row_number() over (partition by origin order by id, day, delay) as place from input\`
      .sql({ scope: 'bucket' })\`select origin, max(place) as rows, count(distinct id) as ids from input group by origin\``
    const some = project(pipeline(steps), input)
    await some.run({}, tuning)
    const expected = await duckdb(
      some.folder,
      `select origin, count(*) as rows, count(distinct id) as ids from 'in/*.csv' group by all`,
    )

    expect(sorted(await rowsOf(some), 'origin')).toEqual(sorted(expected, 'origin'))
  })
})

describe('distinct', () => {
  it('keeps the latest row of each key, whatever the number of workers', async () => {
    const steps = `.distinct({ by: ['id'], latest: 'day' })`
    const all: DatasetRow[][] = []
    for (const workers of [1, 2]) {
      const some = project(pipeline(steps), input)
      await some.run({ workers }, { groupBytes: 40_000 * workers })
      all.push(sorted(await rowsOf(some), 'id'))
    }
    expect(all[0]).toHaveLength(500)
    expect(all[1]).toEqual(all[0])
    const some = project(pipeline(steps), input)
    const expected = await duckdb(some.folder, `select id, max(day) as day from 'in/*.csv' group by id`)
    expect(all[0]!.map(({ id, day }) => [String(id), day])).toEqual(
      sorted(expected, 'id').map(({ id, day }) => [String(id), Number(day)]),
    )
  })
})
