/** Sorted runs whose files stand in one object, as in S3, and of which slices read ranges. */
import { afterAll, expect, it } from 'vitest'
import { column, csv, files, parquet, task } from '../../lib/index.ts'
import { datasetAt } from '../../lib/local/dataset.ts'
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
