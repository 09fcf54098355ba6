/** Joins that end at any request to the store, and keys with more rows than an engine can hold. */
import { afterEach, beforeAll, expect, it } from 'vitest'
import { datasetAt } from '../../lib/datasets/dataset.ts'
import { column, csv, files, joinOf, parquet, sum, type TaskDefinition, task } from '../../lib/index.ts'
import { memoryStore, type StoreRequest } from '../../lib/store/memory-store.ts'
import { killAt, openStagedRun, type StagedRun } from './staged-run.ts'

const text = memoryStore()
const input = memoryStore()
let onRequest: (request: StoreRequest, phase: 'before' | 'after') => void = () => {}
const output = memoryStore({ onRequest: (request, phase) => onRequest(request, phase) })
let staged: StagedRun
afterEach(() => staged.close())

/** Writes the dataset of a task, which other tasks read. */
async function write(of: TaskDefinition): Promise<void> {
  const some = await openStagedRun(of, { input: text, output: input, groupBytes: 2 ** 24 })
  await some.run()
  await some.close()
}

const orders = task({
  name: 'orders',
  source: files({ paths: 'orders/*.csv', format: csv() }),
  columns: { customer: column.int32(), price: column.int32() },
  output: parquet({ path: 'orders', partitionBy: ['price'] }),
})
const customers = task({
  name: 'customers',
  source: files({ paths: 'customers/*.csv', format: csv() }),
  columns: { customer: column.int32(), land: column.string() },
  output: parquet({ path: 'customers' }),
})

beforeAll(async () => {
  const rows = (file: number) => Array.from({ length: 60 }, (_, row) => `${row % 11 || ''},${file + 1}\n`).join('')
  for (const file of [0, 1]) await text.write(`orders/${file}.csv`, Buffer.from(`customer,price\n${rows(file)}`))
  const lands = Array.from({ length: 9 }, (_, row) => `${row},l${row % 3}\n`).join('')
  await text.write('customers/0.csv', Buffer.from(`customer,land\n${lands}`))
  await write(orders)
  await write(customers)
})

const joinedIn = (buckets?: number) =>
  task({
    name: 'joined',
    source: joinOf(
      { left: { path: 'orders', root: 'output' }, right: { path: 'customers', root: 'output' } },
      { on: ['customer'], how: 'left', buckets },
    ),
    output: parquet({ path: 'joined' }),
  }).reduce({ by: ['land'], measures: { total: sum('price') }, buckets: 2 })
const joined = joinedIn(3)

it.each([
  ['whose sides are exchanged', joined, false, 60],
  ['of which one side is small', joinedIn(), true, 20],
] as const)(
  'loses and doubles nothing when a join %s ends at any request and is run again',
  async (_, of, readsWhole, least) => {
    staged = await openStagedRun(of, { input, output, readsWhole })
    // Numbers 1 to 8 have a land; 9, 10 and rows without a number have none.
    const countOf = (test: (key: number) => boolean) =>
      Array.from({ length: 60 }, (_, row) => row % 11).filter(test).length
    const expected = [
      ...[0, 1, 2].map(land => [`l${land}`, 3 * countOf(key => key > 0 && key < 9 && key % 3 === land)]),
      [null, 3 * countOf(key => key === 0 || key > 8)],
    ].toSorted()
    const rowsOf = async () => {
      const rows = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'joined' })).rows())
      return rows.map(row => [row.land, Number(row.total)]).toSorted()
    }
    let kills = 0
    for (let at = 1; ; at++) {
      output.objects.clear()
      output.uploads.clear()
      const kill = killAt(at, listener => {
        onRequest = listener
      })
      const ended = await staged.run().catch((error: unknown) => error)
      if (kill.isOver()) break
      kills++
      onRequest = () => {}
      if (ended instanceof Error) expect(ended).toMatchObject({ code: 'STORE_FAILED' })
      await staged.run()
      expect(await rowsOf(), `ended at request ${at}`).toEqual(expected)
    }
    expect(kills).toBeGreaterThan(least)
  },
  120_000,
)

it('joins at most as many bytes at once as an engine has memory; other stages convert as many as a thread stages', async () => {
  const bytes: number[] = []
  staged = await openStagedRun(joined, {
    ...{ input, output, engineBytes: 2 ** 27, groupBytes: 2 ** 28 },
    onJob(stage, job) {
      if ('groupBytes' in job) bytes[stage] = Number(job.groupBytes)
    },
  })
  output.objects.clear()
  onRequest = () => {}
  await staged.run()
  expect(bytes).toEqual([2 ** 28, 2 ** 28, 2 ** 27, 2 ** 28])
})

it('exchanges one side again when its rows are gone, and keeps the other side', async () => {
  staged = await openStagedRun(joined, { input, output })
  output.objects.clear()
  const written: string[] = []
  onRequest = ({ operation, key }, phase) => {
    if (phase !== 'before') return
    if (operation === 'stagePart' && key.startsWith('.fanmill/exchange/')) written.push(key.split('/')[4] ?? '')
    if (operation === 'create' && key.includes('/stages/2/plan')) throw new Error('killed')
  }
  await expect(staged.run()).rejects.toThrow('killed')
  const gone = [...output.objects.keys()].find(key => /^\.fanmill\/exchange\/.*\/0\//.test(key))
  output.objects.delete(gone as string)
  const before = written.length
  onRequest = ({ operation, key }, phase) => {
    if (phase === 'before' && operation === 'stagePart' && key.startsWith('.fanmill/exchange/'))
      written.push(key.split('/')[4] ?? '')
  }
  await staged.run()
  expect(written.slice(before).filter(stage => stage !== '2')).toEqual(['0'])
})

it('fails with BUCKET_TOO_LARGE and the keys with the most rows, when the rows of one key do not fit into memory', async () => {
  const rows = Array.from({ length: 400_000 }, (_, row) => `${row % 1000 === 0 ? row : 7},${row}\n`).join('')
  await text.write('long/0.csv', Buffer.from(`customer,id\n${rows}`))
  const long = task({
    name: 'long',
    source: files({ paths: 'long/*.csv', format: csv() }),
    columns: { customer: column.int32(), id: column.int32() },
    output: parquet({ path: 'long', rowGroupRows: 8192 }),
  }).sql`select customer, repeat(chr((65 + id % 26)::int), 400) || id as text from input`
  await write(long)
  const side = { path: 'long' }
  const pairs = task({
    name: 'pairs',
    source: joinOf({ left: side, right: side }, { on: ['customer'], prefix: 'other_' }),
    output: parquet({ path: 'pairs' }),
  })
  staged = await openStagedRun(pairs, { input, output, engineBytes: 2 ** 27, groupBytes: 2 ** 24 })
  onRequest = () => {}
  await expect(staged.run()).rejects.toMatchObject({
    code: 'BUCKET_TOO_LARGE',
    message: expect.stringContaining('and in a join fewer columns or a condition (where) on its side'),
    detail: { received: expect.stringMatching(/left 7 \(399,600 rows\).*right 7 \(399,600 rows\)/) },
  })
}, 120_000)
