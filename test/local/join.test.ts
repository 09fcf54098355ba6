/** Tasks that join the rows of two datasets by key, over real files and worker threads. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, openDataset, sql } from '../../lib/index.ts'
import { duckdb } from './compare.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const kinds = ['inner', 'left', 'full', 'semi', 'anti'] as const

/** Two tasks that write datasets, and tasks that join them. */
const pipeline = (joins: Readonly<Record<string, string>>) => `
import { column, count, csv, files, joinOf, parquet, partitionsOf, pipeline, sql, sum, task } from 'fanmill'
const orders = task({
  name: 'orders',
  source: files({ paths: 'in/orders-*.csv', format: csv() }),
  columns: { customer: column.int32(), day: column.string(), id: column.int32(), price: column.decimal(8, 2) },
  output: parquet({ path: 'orders', partitionBy: ['day'] }),
})
const customers = task({
  name: 'customers',
  source: files({ paths: 'in/customers-*.csv', format: csv() }),
  columns: { id: column.int64(), name: column.string(), rank: column.int32() },
  output: parquet({ path: 'customers' }),
})
${Object.entries(joins)
  .map(
    ([name, source]) =>
      `const ${name.replaceAll('-', '_')} = task({ name: '${name}', source: ${source}, output: parquet({ path: '${name}' }) })`,
  )
  .join('\n')}
export default pipeline({ name: 'p', tasks: [orders, customers, ${Object.keys(joins)
  .map(name => name.replaceAll('-', '_'))
  .join(', ')}] })
`

const on = '{ customer: "id" }'
const joinBy = (how: string, options = '') =>
  `joinOf({ left: orders, right: customers }, { on: ${on}, how: '${how}', prefix: 'customer_'${options} })`

/** Half of the orders are of one customer, an eighth of none; some customers are there twice, some have no order, some no number. */
function ordersOf(file: number): string {
  const lines = ['customer,day,id,price']
  for (let row = file * 700; row < (file + 1) * 700; row++) {
    const customer = row % 8 === 0 ? '' : row % 2 === 0 ? 7 : (row * 31) % 150
    lines.push(`${customer},d${row % 3},${row},${((row * 37) % 9000) / 100}`)
  }
  return `${lines.join('\n')}\n`
}
const customersOf = (file: number): string =>
  `id,name,rank\n${Array.from({ length: 60 }, (_, row) => `${row % 20 === 3 ? '' : file * 55 + row},n${file}-${row},${row}\n`).join('')}`

const input = {
  ...Object.fromEntries([0, 1, 2].map(file => [`in/orders-${file}.csv`, ordersOf(file)])),
  ...Object.fromEntries([0, 1].map(file => [`in/customers-${file}.csv`, customersOf(file)])),
}

const sorted = (rows: readonly DatasetRow[]): string[] =>
  rows
    .map(row => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 0))
    .toSorted()

/** The rows of one query over the datasets of both sides. */
function joined(some: Project, select: string, how: string, end = ''): Promise<DatasetRow[]> {
  const orders = `(select customer, id, price, day from read_parquet('out/orders/**/*.parquet', hive_partitioning = true))`
  const customers = `(select * from 'out/customers/*.parquet')`
  return duckdb(some.folder, `select ${select} from ${orders} l ${how} join ${customers} r on l.customer = r.id ${end}`)
}

const all = 'l.*, r.name, r.rank'
const selects = {
  inner: all,
  left: all,
  full: 'coalesce(l.customer, r.id) as customer, l.* exclude (customer), r.name, r.rank',
  semi: 'l.*',
  anti: 'l.*',
}

/** Returns rows with their columns in one order, and numbers as texts: a key of two types has the wider one. */
const plain = (rows: readonly DatasetRow[]): string[] =>
  sorted(
    rows.map(row =>
      Object.fromEntries(
        Object.entries(row)
          .map(([name, value]): [string, string] => [name, String(value)])
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    ) as DatasetRow[],
  )

describe('joinOf', () => {
  it.each([
    [1, 1_000_000, 1],
    [2, 6000, 5],
    [2, 3000, 24],
  ])(
    'returns the rows of one query: %i workers, batches of %i bytes, %i buckets',
    async (workers, groupBytes, buckets) => {
      const names = Object.fromEntries(kinds.map(how => [how, joinBy(how, `, buckets: ${buckets}`)]))
      const some = project(pipeline(names), input)
      const { error } = await some.run({ workers }, { groupBytes })
      expect(error).toBeUndefined()
      for (const how of kinds) {
        const expected = await joined(some, selects[how], how)
        expect([how, plain(await some.rows(how))]).toEqual([how, plain(expected)])
      }
      expect(existsSync(join(some.out, '.fanmill/exchange'))).toBe(false)
      const { totals } = some.manifest('full')
      expect(totals.rowsRead).toBe(3 * 700 + 2 * 60)
    },
  )
})

describe('joinOf with a small side', () => {
  it('returns the rows of one query, and exchanges none, unless the result has rows of the small side alone', async () => {
    const side = '{ left: partitionsOf(customers, { columns: ["id", "name"] }), right: orders }'
    const some = project(
      pipeline({
        ...Object.fromEntries(kinds.map(how => [how, joinBy(how)])),
        swapped: `joinOf(${side}, { on: { id: 'customer' }, prefix: 'order_' })`,
        totals: joinBy('left'),
      }).replace("path: 'totals' }) })", match => `${match}.reduce({ by: ['rank'], measures: { n: count() } })`),
      input,
    )
    const { error, tasks } = await some.run({ workers: 2 }, { groupBytes: 2000 })
    expect(error).toBeUndefined()
    for (const how of kinds)
      expect([how, plain(await some.rows(how))]).toEqual([how, plain(await joined(some, selects[how], how))])
    const swapped = await joined(some, 'r.id, r.name, l.id as order_id, l.price, l.day', 'inner')
    expect(plain(await some.rows('swapped'))).toEqual(plain(swapped))
    const totals = await joined(some, 'r.rank, count(*) as n', 'left', 'group by r.rank')
    expect(plain(await some.rows('totals'))).toEqual(plain(totals))
    const files = readdirSync(join(some.out, '.fanmill'), { recursive: true }).map(String)
    const plansOf = (name: string) => {
      const { runId } = tasks.find(({ task }) => task === name)!
      return files.filter(file => file.includes(runId) && file.endsWith('plan.json')).map(file => file.split(runId)[1])
    }
    for (const how of ['inner', 'left', 'semi', 'anti', 'swapped'] as const) {
      expect([how, plansOf(how)]).toEqual([how, ['/1/stages/2/plan.json']])
      // The small side is read by each batch, and counted once.
      expect(some.manifest(how).totals.rowsRead).toBe(3 * 700 + 2 * 60)
    }
    expect(plansOf('full').length).toBe(3)
    expect((await some.run()).tasks.map(({ status }) => status)).toEqual(tasks.map(() => 'skipped'))
  })
})

it('finds rows by numbers that are equal and have other bits: -0 and 0, NaN with a sign and without', async () => {
  const code = `
import { column, csv, files, joinOf, parquet, pipeline, task } from 'fanmill'
const csvOf = name => ({ source: files({ paths: name, format: csv() }), columns: { v: column.float64(), w: column.int32() } })
const many = task({ name: 'many', ...csvOf('many.csv'), output: parquet({ path: 'many' }) })
  .sql\`select case when w % 4 = 1 then v / v else v end as v, cast(v as float) as f, w from input\`
const one = task({ name: 'one', ...csvOf('one.csv'), output: parquet({ path: 'one' }) })
const joined = task({ name: 'joined', source: joinOf({ left: many, right: one }, { on: ['v'], prefix: 'one_' }), output: parquet({ path: 'joined' }) })
export default pipeline({ name: 'p', tasks: [many, one, joined] })`
  const lines = Array.from({ length: 400 }, (_, row) => `${row % 2 === 0 ? 5 : '-0.0'},${row}\n`)
  for (const [value, count] of [
    ['0', 100],
    ['nan', 100],
  ] as const) {
    const some = project(code, { 'many.csv': `v,w\n${lines.join('')}`, 'one.csv': `v,w\n${value},1\n` })
    expect((await some.run()).error).toBeUndefined()
    expect([value, await some.rows('joined')]).toEqual([value, expect.objectContaining({ length: count })])
    const dataset = await openDataset(join(some.out, 'many'))
    expect(await Array.fromAsync(dataset.rows({ where: sql`v = cast(${value} as double)` }))).toHaveLength(count)
    expect(await Array.fromAsync(dataset.rows({ where: sql`f = 0` }))).toHaveLength(200)
  }
})

it('finds rows by bytes that are no printed characters', async () => {
  const code = `
import { column, csv, files, joinOf, parquet, pipeline, task } from 'fanmill'
const of = name => task({
  name, source: files({ paths: name + '.csv', format: csv() }), columns: { hex: column.string(), n: column.int32() }, output: parquet({ path: name }),
}).sql\`select unhex(hex) as b, n from input\`
const many = of('many')
const one = of('one')
const joined = task({ name: 'joined', source: joinOf({ left: many, right: one }, { on: ['b'], prefix: 'one_' }), output: parquet({ path: 'joined' }) })
export default pipeline({ name: 'p', tasks: [many, one, joined] })`
  const lines = Array.from({ length: 400 }, (_, row) => `${row % 2 === 0 ? 'ff00' : '61'},${row}\n`)
  const some = project(code, { 'many.csv': `hex,n\n${lines.join('')}`, 'one.csv': 'hex,n\nff00,1\n' })
  expect((await some.run()).error).toBeUndefined()
  expect(await some.rows('joined')).toHaveLength(200)
  const dataset = await openDataset(join(some.out, 'many'))
  expect(await Array.fromAsync(dataset.rows({ where: sql`b = unhex('ff00')` }))).toHaveLength(200)
})

describe('joinOf with prefix', () => {
  it('keeps it when no step uses the column of that name on the left side, however the sides are joined', async () => {
    const kept = (name: string, from: string, key: string) => `
const ${name} = task({
  name: '${name}', source: partitionsOf(${from}), output: parquet({ path: '${name}', bucketBy: { columns: ['${key}'], buckets: 3 } }),
})`
    const steps = {
      exchanged: `joinOf({ left: orders, right: customers }, { on: ${on}, prefix: 'r_', buckets: 3 })`,
      small: `joinOf({ left: orders, right: customers }, { on: ${on}, prefix: 'r_' })`,
      kept: `joinOf({ left: keptorders, right: keptcustomers }, { on: ${on}, prefix: 'r_' })`,
    }
    const select = 'customer, r_name as n, rank'
    const code = Object.keys(steps)
      .reduce(
        (text, name) => text.replace(`path: '${name}' }) })`, match => `${match}.sql\`select ${select} from input\``),
        pipeline(steps),
      )
      .replace('day: column.string()', 'day: column.string(), name: column.string()')
      .replace(
        'const exchanged =',
        `${kept('keptorders', 'orders', 'customer')}${kept('keptcustomers', 'customers', 'id')}\nconst exchanged =`,
      )
      .replace('tasks: [orders,', 'tasks: [keptorders, keptcustomers, orders,')
    const lines = Array.from({ length: 30 }, (_, row) => `${row % 7},d${row % 3},o${row},${row},1.5`)
    const some = project(code, {
      'in/orders-0.csv': `customer,day,name,id,price\n${lines.join('\n')}\n`,
      'in/customers-0.csv': customersOf(0),
    })
    const { error } = await some.run({ workers: 1 })
    expect(error).toBeUndefined()
    const expected = await joined(some, 'l.customer, r.name as n, r.rank', 'inner')
    expect(expected.length).toBeGreaterThan(20)
    for (const name of Object.keys(steps)) expect([name, plain(await some.rows(name))]).toEqual([name, plain(expected)])
  })
})

describe('bucketBy', () => {
  const kept = (source: string, name: string, columns: string, buckets: number) => `
const ${name} = task({
  name: '${name}', source: partitionsOf(${source}), output: parquet({ path: '${name}', bucketBy: { columns: ${columns}, buckets: ${buckets} } }),
})`
  const bucketed = (buckets: number) => `
${kept('orders', 'ordersbykey', "['customer']", buckets)}
${kept('customers', 'customersbykey', "['id']", buckets)}
const sides = { left: ordersbykey, right: partitionsOf(customersbykey, { columns: ['id', 'name'] }) }
`
  const counted = ".reduce({ by: ['day'], measures: { orders: count('price'), total: sum('price') } })"
  const joins = pipeline(Object.fromEntries(kinds.map(how => [how, `joinOf(sides, { on: ${on}, how: '${how}' })`])))
  const keptPipeline = (buckets: number) =>
    joins
      .replace('const inner =', `${bucketed(buckets)}const inner =`)
      .replace("path: 'semi' }) })", match => match + counted)
      .replace('tasks: [orders,', 'tasks: [ordersbykey, customersbykey, orders,')

  it.each([
    [2, 6000, 5],
    [1, 1_000_000, 1],
  ])(
    'keeps the rows of a key in the parts of one bucket, and joins them without an exchange: %i workers, batches of %i bytes, %i buckets',
    async (workers, groupBytes, buckets) => {
      const some = project(keptPipeline(buckets), input)
      const { error, tasks } = await some.run({ workers }, { groupBytes })
      expect(error).toBeUndefined()
      const manifest = some.manifest('ordersbykey')
      expect(manifest.bucketBy).toEqual({ columns: ['customer'], buckets })
      expect(new Set(manifest.parts.map(({ bucket }) => bucket)).size).toBe(buckets)
      for (const { key, bucket } of manifest.parts) {
        const rows = await duckdb(some.folder, `select distinct customer from 'out/ordersbykey/${key}'`)
        for (const { customer } of rows) expect([customer, bucketOf(customer, buckets)]).toEqual([customer, bucket])
      }
      for (const how of ['inner', 'left', 'full', 'anti'] as const) {
        const select = selects[how].replace(', r.rank', '')
        expect([how, plain(await some.rows(how))]).toEqual([how, plain(await joined(some, select, how))])
      }
      const ofDay = 'day, count(price) as orders, sum(price) as total'
      const totals = await joined(some, ofDay, 'semi', 'group by day')
      expect(totals.length).toBe(3)
      expect(plain(await some.rows('semi'))).toEqual(plain(totals))
      // No rows were exchanged: the batches of the only stage read the parts of their buckets.
      const { runId } = tasks.find(({ task }) => task === 'inner')!
      const files = readdirSync(join(some.out, '.fanmill'), { recursive: true }).map(String)
      expect(files.filter(file => file.includes(runId) && file.includes('/stages/'))).toEqual([])
      expect(some.manifest('inner').totals.rowsRead).toBe(3 * 700 + 2 * 60)
    },
  )
})

/** The documented hash, computed without the engine. */
function bucketOf(key: unknown, buckets: number): number {
  const text = key === null ? 'n;' : `${Buffer.byteLength(String(key))}:${key};`
  const digest = createHash('md5').update(text).digest().reverse().toString('hex')
  return Number(BigInt(`0x${digest}`) % BigInt(buckets))
}
