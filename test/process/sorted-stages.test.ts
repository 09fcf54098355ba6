/** Sorted runs whose files stand in one object, as in S3, and of which slices read ranges. */
import { afterAll, expect, it } from 'vitest'
import { datasetAt } from '../../lib/datasets/dataset.ts'
import { column, csv, files, parquet, task } from '../../lib/index.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { openStagedRun, type StagedRun } from './staged-run.ts'

const sales = task({
  name: 'sales',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { shop: column.string(), total: column.int32() },
  output: parquet({ path: 'sales', sortBy: { columns: ['shop', 'total'], descending: ['total'], global: true } }),
})

const rowsEach = 20_000
let staged: StagedRun
afterAll(() => staged.close())

it('each slice reads one range of each run, and all slices together have all rows once, in order', async () => {
  const input = memoryStore()
  const rows: [shop: string, total: number][] = []
  for (const file of [0, 1]) {
    const own = Array.from(
      { length: rowsEach },
      (_, row) => [`s${(row * 7919) % 977}`, row * 2 + file] as [string, number],
    )
    await input.write(`${file}.csv`, Buffer.from(`shop,total\n${own.map(row => row.join(',')).join('\n')}\n`))
    rows.push(...own)
  }
  const reads: string[] = []
  const output = memoryStore({
    onRequest({ operation, key }, phase) {
      if (operation === 'read' && phase === 'before' && key.startsWith('.fanmill/exchange/')) reads.push(key)
    },
  })
  staged = await openStagedRun(sales, { input, output, groupBytes: 200_000 })
  const { order, parts } = await staged.run()
  expect(order).toEqual({ columns: ['shop', 'total'], descending: ['total'] })
  expect(parts.length).toBeGreaterThan(1)
  expect(parts.map(({ key }) => key)).toEqual(parts.map(({ key }) => key).toSorted())

  const found = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'sales' })).rows())
  const expected = rows.toSorted(([a, n], [b, m]) => (a === b ? m - n : a < b ? -1 : 1))
  expect(found.map(row => `${row.shop} ${row.total}`).join()).toBe(expected.map(row => row.join(' ')).join())
  // A slice reads a run at most once.
  const runs = new Set(reads).size
  expect(runs).toBeGreaterThan(1)
  expect(reads.length).toBeGreaterThan(runs)
}, 60_000)

/** Places of rows in the order of each column, by their number. */
const places: Readonly<Record<string, (number: number) => number>> = {
  number: number => number,
  day: number => number,
  isHigh: number => (number > 0 ? 1 : 0),
}

it('sorts by one column of few bytes, up and down, with nulls last', async () => {
  const input = memoryStore()
  for (const file of [0, 1]) {
    const rows = Array.from({ length: 300 }, (_, at) => (at % 7 === 0 ? ',' : `,${((at * 7919) % 601) - 300 + file}`))
    await input.write(`${file}.csv`, Buffer.from(`other,number\n${rows.join('\n')}\n`))
  }
  for (const [name, place] of Object.entries(places))
    for (const descending of [[], [name]]) {
      const columns = [name]
      const sorted = task({
        name: 'sorted',
        source: files({ paths: '*.csv', format: csv() }),
        columns: { other: column.string(), number: column.int32() },
        output: parquet({ path: 'sorted', sortBy: { columns, descending, global: true } }),
      }).sql`SELECT number, DATE '2020-01-01' + number AS day, number > 0 AS isHigh FROM input`
      const output = memoryStore()
      const run = await openStagedRun(sorted, { input, output })
      await run.run().finally(() => run.close())
      const found = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'sorted' })).rows())
      const sign = descending.length > 0 ? -1 : 1
      const placed = found.map(({ number }) => (number === null ? Number.MAX_VALUE : sign * place(Number(number))))
      expect(placed, `${name} ${descending}`).toEqual(placed.toSorted((a, b) => a - b))
      expect(placed.filter(each => each === Number.MAX_VALUE)).toHaveLength(86)
      expect(placed).toHaveLength(600)
    }
}, 60_000)

it('sorts enums by their text, as which they are written, in all parts', async () => {
  const input = memoryStore()
  const numbers = Array.from({ length: 40_000 }, (_, at) => (at * 7919) % 40_009)
  await input.write('all.csv', Buffer.from(`number\n${numbers.join('\n')}\n`))
  const sorted = task({
    name: 'sorted',
    source: files({ paths: '*.csv', format: csv() }),
    columns: { number: column.int32() },
    output: parquet({ path: 'sorted', sortBy: { columns: ['level', 'number'], global: true } }),
  }).sql`SELECT number, CAST(['z', 'm', 'a'][number % 3 + 1] AS ENUM('z', 'm', 'a')) AS level FROM input`
  const output = memoryStore()
  const run = await openStagedRun(sorted, { input, output, groupBytes: 100_000 })
  const { parts } = await run.run().finally(() => run.close())
  expect(parts.length).toBeGreaterThan(1)
  const found = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'sorted' })).rows())
  const expected = numbers.toSorted((a, b) => (b % 3) - (a % 3) || a - b)
  expect(found.map(({ number }) => number).join()).toBe(expected.join())
}, 60_000)
