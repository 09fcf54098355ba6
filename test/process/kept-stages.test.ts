/** Datasets that are kept by key, and their joins, over stores as S3: what is read, and what is left after an end at any request. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { datasetAt } from '../../lib/datasets/dataset.ts'
import { column, csv, files, joinOf, parquet, partitionsOf, sum, type TaskDefinition, task } from '../../lib/index.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import type { ExchangeSlice } from '../../lib/model/plan-data.ts'
import { memoryStore, type StoreRequest } from '../../lib/store/memory-store.ts'
import { killAt, openStagedRun, type StagedRun } from './staged-run.ts'

const text = memoryStore()
const reads: string[] = []
const input = memoryStore({
  onRequest: ({ operation, key }, phase) => {
    if (phase === 'before' && operation === 'read') reads.push(key)
  },
})
let onRequest: (request: StoreRequest, phase: 'before' | 'after') => void = () => {}
const output = memoryStore({ onRequest: (request, phase) => onRequest(request, phase) })
let staged: StagedRun
afterEach(() => staged.close())

const tasksOf = {
  orders: {
    name: 'orders',
    source: files({ paths: 'orders/*.csv', format: csv() }),
    columns: { customer: column.int32(), price: column.int32(), note: column.string() },
  },
  customers: {
    name: 'customers',
    source: files({ paths: 'customers/*.csv', format: csv() }),
    columns: { id: column.int64(), land: column.string() },
  },
}
const orders = task({
  ...tasksOf.orders,
  output: parquet({ path: 'orders', bucketBy: { columns: ['customer'], buckets: 4 } }),
})
const customers = task({
  ...tasksOf.customers,
  output: parquet({ path: 'customers', bucketBy: { columns: ['id'], buckets: 4 } }),
})
const sides = { left: partitionsOf(orders, { columns: ['customer', 'price'] }), right: customers }
const pairs = task({
  name: 'pairs',
  source: joinOf(sides, { on: { customer: 'id' } }),
  output: parquet({ path: 'pairs' }),
})
const totals = task({
  name: 'totals',
  source: joinOf(sides, { on: { customer: 'id' }, how: 'left' }),
  output: parquet({ path: 'totals' }),
}).reduce({ by: ['land'], measures: { total: sum('price') }, buckets: 2 })

/** Writes the dataset of a task, which other tasks read. */
async function write(of: TaskDefinition): Promise<Manifest> {
  const some = await openStagedRun(of, { input: text, output: input, groupBytes: 2 ** 24 })
  try {
    return await some.run()
  } finally {
    await some.close()
  }
}

/** A long text that no compression makes short. */
const noteOf = (row: number): string =>
  Array.from({ length: 60 }, (_, at) => createHash('sha256').update(`${row} ${at}`).digest('base64')).join('')

const manifests: Manifest[] = []
beforeAll(async () => {
  const rows = (file: number) =>
    Array.from({ length: 60 }, (_, row) => `${row % 11 || ''},${file + 1},${noteOf(row)}\n`).join('')
  for (const file of [0, 1]) await text.write(`orders/${file}.csv`, Buffer.from(`customer,price,note\n${rows(file)}`))
  const lands = Array.from({ length: 9 }, (_, row) => `${row},l${row % 3}\n`).join('')
  await text.write('customers/0.csv', Buffer.from(`id,land\n${lands}`))
  manifests.push(await write(orders), await write(customers))
})

/** Ends the run of a task at every third request in turn, before or after it, runs it again, and calls `check`. Returns how often it ended. */
async function endEverywhere(check: (at: number) => Promise<void>): Promise<number> {
  for (let at = 1; ; at += 3) {
    output.objects.clear()
    output.uploads.clear()
    const kill = killAt(at, listener => {
      onRequest = listener
    })
    const ended = await staged.run().catch((error: unknown) => error)
    onRequest = () => {}
    if (kill.isOver()) return Math.floor(at / 3)
    if (ended instanceof Error) expect(ended).toMatchObject({ code: 'STORE_FAILED' })
    await staged.run()
    await check(at)
  }
}

const rowsOf = async (outputPath: string) => Array.fromAsync((await datasetAt({ store: output, outputPath })).rows())

describe('a dataset that is kept by key', () => {
  it('has each row once, in the part of its bucket, when its run ends at a request and is run again', async () => {
    staged = await openStagedRun(orders, { input: text, output })
    const placesOf = (manifest: Manifest) => manifest.parts.map(({ bucket, rows }) => `${bucket}: ${rows}`).toSorted()
    const expected = placesOf(manifests[0]!)
    const kills = await endEverywhere(async at => {
      expect(placesOf(await staged.run()), `ended at request ${at}`).toEqual(expected)
      expect((await rowsOf('orders')).length).toBe(120)
    })
    expect(kills).toBeGreaterThan(10)
  }, 120_000)
})

describe('a join of datasets that are kept by its key', () => {
  it('has the rows of one query when it ends at a request and is run again', async () => {
    staged = await openStagedRun(totals, { input, output })
    const countOf = (test: (key: number) => boolean) =>
      Array.from({ length: 60 }, (_, row) => row % 11).filter(test).length
    const expected = [
      ...[0, 1, 2].map(land => [`l${land}`, 3 * countOf(key => key > 0 && key < 9 && key % 3 === land)]),
      [null, 3 * countOf(key => key === 0 || key > 8)],
    ].toSorted()
    const kills = await endEverywhere(async at => {
      const totals = (await rowsOf('totals')).map(row => [row.land, Number(row.total)]).toSorted()
      expect(totals, `ended at request ${at}`).toEqual(expected)
    })
    expect(kills).toBeGreaterThan(10)
  }, 120_000)

  it('exchanges no row, and reads each part once, in the slice of its bucket', async () => {
    staged = await openStagedRun(pairs, { input, output })
    output.objects.clear()
    reads.length = 0
    const exchanged: string[] = []
    onRequest = ({ operation, key }, phase) => {
      if (phase === 'before' && operation === 'stagePart' && key.startsWith('.fanmill/')) exchanged.push(key)
    }
    const { totals: counts } = await staged.run()
    expect(counts).toMatchObject({ rowsRead: 120 + 9, rows: 88 })
    expect(exchanged).toEqual([])
    const bucketOf = new Map(
      manifests.flatMap(({ parts }, at) =>
        parts.map(({ key, bucket }) => [`${['orders', 'customers'][at]}/${key}`, bucket]),
      ),
    )
    expect(reads.filter(key => key.endsWith('.parquet')).toSorted()).toEqual([...bucketOf.keys()].toSorted())
    const slices = [...output.objects]
      .filter(([key]) => key.includes('/members/'))
      .flatMap(([, bytes]) =>
        Buffer.from(bytes)
          .toString()
          .trim()
          .split('\n')
          .map(line => JSON.parse(line)),
      )
      .filter(({ kind }) => kind === 'exchange') as ExchangeSlice[]
    expect(slices.length).toBeGreaterThan(2)
    for (const { buckets, pieces } of slices)
      for (const { key } of pieces) expect([key, bucketOf.get(key)]).toEqual([key, buckets.start])
  })

  it('reads only the columns of both sides that its steps use', async () => {
    const source = joinOf({ left: orders, right: customers }, { on: { customer: 'id' } })
    const used = task({ name: 'used', source, output: parquet({ path: 'used' }) }).sql`select price from input`
    const held = manifests.flatMap(({ parts }) => parts).reduce((sum, { bytes }) => sum + bytes, 0)
    staged = await openStagedRun(used, { input, output })
    output.objects.clear()
    const before = input.counts.bytesRead
    await staged.run()
    expect((await rowsOf('used')).length).toBe(88)
    // Nearly all bytes are notes, which no step uses.
    expect(input.counts.bytesRead - before).toBeLessThan(held / 2)
  })

  it('has no rows when both datasets have none, also where its rows are exchanged after it', async () => {
    for (const path of ['orders', 'customers'] as const) {
      const header = path === 'orders' ? 'customer,price,note' : 'id,land'
      await text.write(`none/${path}.csv`, Buffer.from(`${header}\n`))
      const of = path === 'orders' ? orders : customers
      await write({ ...of, source: files({ paths: `none/${path}.csv`, format: csv() }) })
    }
    staged = await openStagedRun(totals, { input, output })
    output.objects.clear()
    await staged.run()
    expect(await rowsOf('totals')).toEqual([])
  })

  it('is refused before it begins when a dataset has another number of buckets than its task says', async () => {
    staged = await openStagedRun(pairs, { input, output })
    const other = parquet({ path: 'orders', bucketBy: { columns: ['customer'], buckets: 8 } })
    const right = task({
      ...tasksOf.customers,
      output: parquet({ path: 'customers', bucketBy: { columns: ['id'], buckets: 8 } }),
    })
    const left = task({ ...tasksOf.orders, output: other })
    const wrong = task({
      name: 'wrong',
      source: joinOf({ left, right }, { on: { customer: 'id' } }),
      output: parquet({ path: 'wrong' }),
    })
    await expect(findInputs({ input, task: wrong, params: {} })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message:
        'task wrong: expected the dataset of task orders in 8 buckets by customer, as its definition says, got another; run orders again',
    })
  })
})
