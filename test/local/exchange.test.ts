/** Tasks whose rows are brought together by key, over real files and worker threads. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { DatasetRow } from '../../lib/index.ts'
import { duckdb } from './compare.ts'
import { projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const pipeline = (steps: string, options = '') => `
import {
  aggregate, column, count, countDistinct, csv, files, first, last, listOf, max, mean, min, parquet, pipeline, quantile, sql, stddev, sum,
  task, textOf, variance,
} from 'fanmill'
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

  it('has no variance of values of which one is infinite or no number', async () => {
    const some = project(
      pipeline(".reduce({ by: ['origin'], measures: { square: variance('weight'), spread: stddev('weight') } })"),
      {
        'in/a.csv': 'origin,day,delay,price,weight,id\nA,,,,1,\nA,,,,inf,\nB,,,,nan,\nB,,,,2,\nC,,,,1,\n',
        'in/b.csv': 'origin,day,delay,price,weight,id\nC,,,,3,\n',
      },
    )
    expect((await some.run({}, { groupBytes: 40 })).status).toBe('complete')
    expect(sorted(await some.rows('totals'), 'origin')).toEqual([
      { origin: 'A', square: NaN, spread: NaN },
      { origin: 'B', square: NaN, spread: NaN },
      { origin: 'C', square: 2, spread: Math.SQRT2 },
    ])
  })

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
    const rows = sorted(await some.rows('totals'), 'origin', 'day')
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

    expect(sorted(await some.rows('totals'), 'origin')).toEqual(sorted(expected, 'origin'))
  })
})

describe('distinct', () => {
  it('keeps the latest row of each key, whatever the number of workers', async () => {
    const steps = `.distinct({ by: ['id'], latest: 'day' })`
    const all: DatasetRow[][] = []
    for (const workers of [1, 2]) {
      const some = project(pipeline(steps), input)
      await some.run({ workers }, { groupBytes: 40_000 * workers })
      all.push(sorted(await some.rows('totals'), 'id'))
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

describe('any number of workers, batches and buckets', () => {
  /** One key has half of all rows. */
  const skewed = Object.fromEntries(
    Object.entries(input).map(([name, text]) => [name, text.replaceAll(/^(ABE|ATL|BOS|DEN),/gm, 'JFK,')]),
  )
  const steps = (buckets: number) => `.reduce({ buckets: ${buckets}, by: ['origin'], measures: {
    n: count(), total: sum('delay'), price: sum('price'), weight: sum('weight'), spread: stddev('weight'),
    earliest: first('id', { orderBy: ['day', 'price'] }), latest: last('id', { orderBy: ['day', 'price'] }),
    some: listOf('id', { orderBy: ['id'], limit: 7 }), about: countDistinct('id', { approximate: true }),
    text: textOf('day', { orderBy: ['id', 'price'], limit: 5, separator: '/' }), narrow: sum('price', { as: column.decimal(18, 2) }),
    ninth: quantile('weight', 0.9, { approximate: true }),
    own: aggregate({
      columns: ['price', 'delay'],
      partial: { s: 'sum(price * delay)', most: 'max(delay)' },
      combine: { s: 'sum({s})', most: 'max({most})' },
      finish: '{s} + {most}',
    }),
  } })`

  it.each([
    [1, 1_000_000, 1],
    [2, 20_000, 5],
    [2, 7_000, 64],
  ])('give the same rows: %i workers, batches of %i bytes, %i buckets', async (workers, groupBytes, buckets) => {
    const some = project(pipeline(steps(buckets)), skewed)
    await some.run({ workers }, { groupBytes })
    const expected = await duckdb(
      some.folder,
      `select origin, count(*) as n, sum(delay) as total, sum(price) as price, sum(weight) as weight, stddev(weight) as spread,
        arg_min(id, (day, price is null, price, id)) as earliest, arg_max(id, (day, price is not null, price, id)) as latest,
        (list(id order by id))[1:7] as some, sum(price)::decimal(18, 2) as narrow, sum(price * delay) + max(delay) as own,
        array_to_string((list(day order by id, price, day))[1:5], '/') as text,
        list_sort(list(weight))[floor(0.9 * (count(*) - 1))::int + 1] as ninth
      from read_csv('in/*.csv', types = {origin: 'VARCHAR', price: 'DECIMAL(12,2)'}) group by all`,
    )
    const rows = sorted(await some.rows('totals'), 'origin')
    const wanted = sorted(expected, 'origin')
    expect(rows.map(row => row.origin)).toEqual(wanted.map(row => row.origin))
    for (const [at, row] of rows.entries()) {
      for (const name of ['n', 'total', 'price', 'earliest', 'latest', 'some', 'narrow', 'own', 'text'])
        expect([name, String(row[name])]).toEqual([name, textOf(wanted[at]![name])])
      for (const name of ['weight', 'spread'])
        expect(Math.abs(Number(row[name]) / Number(wanted[at]![name]) - 1)).toBeLessThan(1e-9)
      expect(Number(row.about)).toBeGreaterThan(0)
      expect(Math.abs(Number(row.ninth) / Number(wanted[at]!.ninth) - 1)).toBeLessThan(0.01001)
    }
  })

  it('give the same values for keys that rarely repeat, whose rows are exchanged by themselves', async () => {
    const rare = `.reduce({ by: ['weight', 'day'], measures: {
      n: count(), delays: count('delay'), total: sum('delay'), price: sum('price'), average: mean('delay'), most: max('price'),
      latest: last('id', { orderBy: ['price'] }), middle: quantile('id', 0.5, { approximate: true }),
    } })`
    const twice = { ...input, 'in/5.csv': csvOf(0, 300) }
    const some = project(pipeline(rare), twice)
    const { tasks } = await some.run({}, tuning)
    expect(tasks[0]).toMatchObject({ status: 'complete', rowsRead: 10_300 })
    const expected = await duckdb(
      some.folder,
      `select weight, day, count(*) as n, count(delay) as delays, sum(delay) as total, sum(price) as price, avg(delay) as average,
        max(price) as most, arg_max(id, (price is not null, price, id)) as latest
      from read_csv('in/*.csv', types = {weight: 'DOUBLE', price: 'DECIMAL(12,2)'}) group by all`,
    )
    const names = ['weight', 'day', 'n', 'delays', 'total', 'price', 'average', 'most', 'latest']
    const plain = (all: readonly DatasetRow[]) =>
      all.map(row => names.map(name => String(row[name])).join(' ')).toSorted()
    const rows = await some.rows('totals')
    expect(plain(rows)).toEqual(plain(expected))
    // The median of a key's one or two equal values.
    expect(
      rows.every(({ middle, latest }) => Math.abs(Number(middle) - Number(latest)) <= 0.01001 * Number(latest)),
    ).toBe(true)
  })

  it('give the same values where all rows of a key have to be together', async () => {
    const whole = `.reduce({ buckets: 9, by: ['origin'], measures: {
      ids: countDistinct('id'), median: quantile('delay', 0.5), n: count(), late: sum('delay') } })`
    const some = project(pipeline(whole), skewed)
    await some.run({}, tuning)
    const expected = await duckdb(
      some.folder,
      `select origin, count(distinct id) as ids, quantile_cont(delay, 0.5) as median, count(*) as n, sum(delay) as late from 'in/*.csv' group by all`,
    )
    const plain = (all: readonly DatasetRow[]) =>
      sorted(all, 'origin').map(({ origin, ids, median, n, late }) => [origin, ids, Number(median), n, late])
    expect(plain(await some.rows('totals'))).toEqual(plain(expected))
  })
})

const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'items' in value ? String(value.items) : String(value)

describe('mapBatches after an exchange', () => {
  it('has all rows of one key in each call', async () => {
    const steps = `
      .exchange({ by: ['id'], buckets: 4 })
      .mapBatches(({ rowCount, columns }) => ({
        rows: columns.id.map(() => rowCount),
        rank: columns.day.map(day => columns.day.filter(other => other < day).length),
      }), { adds: { rows: column.int32(), rank: column.int32() } })`
    const some = project(pipeline(steps), input)
    await some.run({}, tuning)
    const expected = await duckdb(
      some.folder,
      `select id, day, count(*) over (partition by id) as rows, rank() over (partition by id order by day) - 1 as rank from 'in/*.csv'`,
    )
    const plain = (all: readonly DatasetRow[]) =>
      all.map(({ id, day, rows, rank }) => [id, day, rows, rank].join(' ')).toSorted()
    expect(plain(await some.rows('totals'))).toEqual(plain(expected))
  })

  it('fails the run when a function rejects a row, which is of no record', async () => {
    const steps = `.exchange({ by: ['id'] }).mapRows((row, context) => context.reject('never'))`
    const some = project(pipeline(steps), input)
    const { error } = await some.run({}, tuning)
    expect(error).toMatchObject({ message: expect.stringContaining('expected no reject after an exchange') })
    expect(some.outputFiles()).toEqual([])
  })
})

describe('statements of scope bucket', () => {
  it('are refused where the rows of several keys would meet', async () => {
    const step = ".exchange({ by: ['origin'] }).sql({ scope: 'bucket' })`select count(*) as n from input`"
    await expect(project(pipeline(step), input).run({}, tuning)).rejects.toMatchObject({
      code: 'SQL_NOT_ROWWISE',
      message: expect.stringContaining('the aggregate count_star without GROUP BY origin'),
    })
  })

  it('are refused when a step before them changes the key', async () => {
    const steps = `.exchange({ by: ['origin'] }).sql\`select * replace (lower(origin) as origin) from input\`
      .sql({ scope: 'bucket' })\`select origin, count(*) as n from input group by origin\``
    await expect(project(pipeline(steps), input).run({}, tuning)).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      message: expect.stringContaining('return the columns of the key unchanged'),
    })
  })
})

describe('statements of scope any-slice', () => {
  it('see some rows of the input together', async () => {
    const steps = `.sql({ scope: 'any-slice' })\`select origin, count(*) as n from input group by origin\``
    const some = project(pipeline(steps), input)
    const { tasks } = await some.run({}, tuning)
    expect(tasks[0]).toMatchObject({ status: 'complete', rowsRead: 10_000 })
    const rows = await some.rows('totals')
    expect(rows.reduce((sum, { n }) => sum + Number(n), 0)).toBe(10_000)
  })
})

describe('own aggregates', () => {
  it.each([
    [
      "partial: { s: 'list(delay)' }, combine: { s: 'flatten(list({s} order by {s}))' }",
      'the aggregate list without ORDER BY',
    ],
    [
      "partial: { s: 'sum(id)' }, combine: { s: 'sum({s})' }",
      'measures.own: columns: expected the columns that partial reads',
    ],
    ["partial: { s: 'sum(delay), 1' }, combine: { s: 'sum({s})' }", 'partial.s: expected one expression'],
  ])('are refused: %s', async (expressions, message) => {
    const steps = `.reduce({ by: ['origin'], measures: { own: aggregate({ columns: ['delay'], ${expressions}, finish: '{s}' }) } })`
    await expect(project(pipeline(steps), input).run({}, tuning)).rejects.toThrow(message)
  })
})

it('runs an own aggregate over a field that is named like another column', async () => {
  const own =
    "aggregate({ columns: ['pair'], partial: { s: 'sum(pair.delay)' }, combine: { s: 'sum({s})' }, finish: '{s}' })"
  const steps = `.sql\`select origin, delay, { delay: weight } as pair from input\`.reduce({ by: ['origin'], measures: { own: ${own} } })`
  const head = 'origin,day,delay,price,weight,id\n'
  const some = project(pipeline(steps), { 'in/a.csv': `${head}A,,1,,2,\n`, 'in/b.csv': `${head}A,,1,,3,\n` })
  expect(await some.run({}, { groupBytes: 40 })).toMatchObject({ status: 'complete' })
  expect(await some.rows('totals')).toEqual([{ origin: 'A', own: 5 }])
})

it.each([
  ['the table of rows', 'input'],
  ['the place of a state', 'x{s}'],
])('runs an own aggregate over a column that is named like %s', async (_, name) => {
  const own = `aggregate({ columns: ['${name}'], partial: { s: 'sum("${name}")' }, combine: { s: 'sum({s})' }, finish: '{s}' })`
  const steps = `.sql\`select origin, day, weight as "${name}" from input\`.reduce({ by: ['origin'], measures: { own: ${own} } })`
  const head = 'origin,day,delay,price,weight,id\n'
  const some = project(pipeline(steps), { 'in/a.csv': `${head}A,,1,,2,\n`, 'in/b.csv': `${head}A,,1,,3,\n` })
  expect(await some.run({}, { groupBytes: 40 })).toMatchObject({ status: 'complete' })
  expect(await some.rows('totals')).toEqual([{ origin: 'A', own: 5 }])
})

describe('sums', () => {
  it('that no int64 holds fail the run with SUM_OVERFLOW', async () => {
    const big = { 'in/a.csv': `origin,day,delay,price,weight,id\n${'X,1,1,1,1,9223372036854775807\n'.repeat(2)}` }
    const some = project(pipeline(`.reduce({ by: ['origin'], measures: { total: sum('id') } })`), big)
    const { error } = await some.run()
    expect(error?.message).toContain('column total: expected a sum that an int64 holds')
  })

  const nines = '9'.repeat(38)
  it.each([
    ['mean', 'big', 'measure m: expected a sum of at most 38 digits, got a larger one; cast its column to double'],
    ['sum', 'big', 'measure m: expected a sum of at most 38 digits'],
    ['variance', 'wide', 'measure m: expected a variance that a float64 holds, got one beyond 1.8e308; divide'],
    ['stddev', 'wide', 'measure m: expected a variance that a float64 holds'],
  ])('that overflow in a %s name the measure, in one slice or in several', async (kind, column, message) => {
    const measures = `{ m: ${kind}('${column}'), other: sum('other'), n: count() }`
    const text = (steps: string) => `
import { column, count, csv, files, mean, parquet, pipeline, sql, stddev, sum, task, variance } from 'fanmill'
const t = task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { k: column.string(), big: column.decimal(38, 0), wide: column.float64(), other: column.float64() },
  output: parquet({ path: '{task}' }),
})${steps}.reduce({ by: ['k'], measures: ${measures} })
export default pipeline({ name: 't', tasks: [t] })
`
    const lines = ['1e308', '-1e308', '1e308'].map(wide => `a,${nines},${wide},1e308\n`)
    const head = 'k,big,wide,other\n'
    const whole = project(text(''), { 'a.csv': head + lines.join('') })
    const failure = { code: 'SUM_OVERFLOW', message: expect.stringContaining(message) }
    expect((await whole.run()).error).toMatchObject(failure)
    const sliced = project(text(''), Object.fromEntries(lines.map((line, at) => [`${at}.csv`, head + line])))
    expect((await sliced.run({}, { groupBytes: 40 })).error).toMatchObject(failure)
    // The statement may be what failed, so that both are named.
    const after = project(text('.sql`select * from input`'), { 'a.csv': head + lines.join('') })
    expect((await after.run()).error).toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining(`; or ${message}`),
    })
  })

  it('of equal values have no variance, and of nearly equal ones that of exact arithmetic', async () => {
    const values = Array.from({ length: 3000 }, (_, at) => 12_345_678_901_234.375 + ((at * 7919) % 13) / 4)
    const eighths = values.map(value => BigInt(value * 8))
    const total = eighths.reduce((sum, value) => sum + value, 0n)
    const squares = eighths.reduce((sum, value) => sum + (value * 3000n - total) ** 2n, 0n)
    const exact = Number((squares * 10n ** 12n) / (64n * 3000n ** 2n * 2999n)) / 1e12
    const lines = values.map((value, at) => `X,${at},1,9876543210.37,${value},1\n`)
    const cuts = [0, 400, 1300, 3000]
    const files = cuts.slice(1).map((end, at) => {
      const text = lines.slice(cuts[at], end).join('')
      return [`in/${at}.csv`, `origin,day,delay,price,weight,id\n${text}`]
    })
    const steps = `.reduce({ by: ['origin'], measures: { equal: variance('price'), near: variance('weight') } })`
    const some = project(pipeline(steps), Object.fromEntries(files))
    await some.run({}, { groupBytes: 40 })
    const [row] = await some.rows('totals')
    expect(row?.equal).toBe(0)
    expect(Math.abs(Number(row?.near) / exact - 1)).toBeLessThan(1e-4)
  })
})
