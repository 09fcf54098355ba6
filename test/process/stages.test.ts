/** Runs of several stages that end at any request to the store, expire or change on their way, and are run again. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { datasetAt } from '../../lib/datasets/dataset.ts'
import { PermanentError } from '../../lib/errors/errors.ts'
import { column, count, csv, files, first, listOf, max, min, parquet, sum, task } from '../../lib/index.ts'
import { clean, planClean } from '../../lib/runs/clean.ts'
import { listRuns } from '../../lib/runs/runs.ts'
import { memoryStore, type StoreRequest } from '../../lib/store/memory-store.ts'
import { killAt, openStagedRun, type StagedRun } from './staged-run.ts'

const sales = task({
  name: 'sales',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { shop: column.string(), day: column.int32(), total: column.int32() },
  output: parquet({ path: 'sales' }),
})
  .reduce({ by: ['shop', 'day'], measures: { total: sum('total') }, buckets: 3 })
  .reduce({ by: ['shop'], measures: { days: count(), total: sum('total') }, buckets: 2 })

const input = memoryStore()
let onRequest: (request: StoreRequest, phase: 'before' | 'after') => void = () => {}
const output = memoryStore({ onRequest: (request, phase) => onRequest(request, phase) })
let staged: StagedRun
const run = () => staged.run()

beforeAll(async () => {
  for (const file of [0, 1]) {
    const rows = Array.from({ length: 200 }, (_, row) => `s${row % 5},${row % 3},${file + 1}\n`)
    await input.write(`${file}.csv`, Buffer.from(`shop,day,total\n${rows.join('')}`))
  }
  staged = await openStagedRun(sales, { input, output })
})
afterAll(() => staged.close())
beforeEach(() => {
  output.objects.clear()
  output.uploads.clear()
  onRequest = () => {}
})

const expected = Array.from({ length: 5 }, (_, shop) => ({ shop: `s${shop}`, days: 3n, total: 120n }))

async function rowsOf() {
  const rows = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'sales' })).rows())
  return rows.toSorted((a, b) => (String(a.shop) < String(b.shop) ? -1 : 1))
}

const keysOf = (prefix: string): string[] => [...output.objects.keys()].filter(key => key.startsWith(prefix))

it('loses and doubles nothing when a run in three stages ends at any request and is run again', async () => {
  let kills = 0
  for (let at = 1; ; at++) {
    output.objects.clear()
    output.uploads.clear()
    const kill = killAt(at, listener => {
      onRequest = listener
    })
    const ended = await run().catch((error: unknown) => error)
    if (kill.isOver()) break
    kills++
    onRequest = () => {}
    // After the last request of a commit the run is complete all the same.
    if (ended instanceof Error) expect(ended).toMatchObject({ code: 'STORE_FAILED' })
    expect(await run().then(rowsOf), `ended at request ${at}`).toEqual(expected)
  }
  expect(kills).toBeGreaterThan(50)
}, 120_000)

it('removes exchanged rows after the commit, and clean removes those that an ended commit left', async () => {
  await run()
  expect(keysOf('.fanmill/exchange/')).toEqual([])
  output.objects.clear()
  onRequest = ({ operation, key }) => {
    if (operation === 'remove' && key.startsWith('.fanmill/exchange/'))
      throw new PermanentError('STORE_FAILED', 'killed')
  }
  await expect(run()).rejects.toThrow('killed')
  onRequest = () => {}
  expect(keysOf('.fanmill/exchange/').length).toBeGreaterThan(0)
  await run()
  const options = { olderThanMs: 0, now: () => 2_000_000, isAlive: () => false }
  await clean(output, await planClean(output, options))
  expect(keysOf('.fanmill/exchange/')).toEqual([])
  expect(await rowsOf()).toEqual(expected)
})

it('makes exchanged rows again that expired before the run was resumed', async () => {
  onRequest = ({ operation, key }, phase) => {
    const isLast = operation === 'create' && phase === 'before' && key.includes('/stages/2/outcomes/')
    if (isLast) throw new PermanentError('STORE_FAILED', 'killed')
  }
  await expect(run()).rejects.toThrow()
  onRequest = () => {}
  const [expired] = keysOf('.fanmill/exchange/').filter(key => key.includes('/0/'))
  output.objects.delete(expired!)
  expect(await run().then(rowsOf)).toEqual(expected)
})

it('writes one object for each batch, and reads it by one range for each slice of the next stage', async () => {
  const sent: string[] = []
  onRequest = ({ operation, key }, phase) => {
    if (phase === 'before' && key.startsWith('.fanmill/exchange/')) sent.push(`${operation} ${key}`)
  }
  await run()
  const keysAfter = (operation: string) =>
    sent.filter(one => one.startsWith(`${operation} `)).map(one => one.split(' ')[1])
  const written = keysAfter('stagePart')
  expect(written.length).toBeGreaterThan(2)
  expect(new Set(written).size).toBe(written.length)
  expect(keysAfter('completePart').toSorted()).toEqual(written.toSorted())
  // All buckets of this little run are one slice, which is read by one range of each object.
  expect(keysAfter('read').toSorted()).toEqual(written.toSorted())
  expect(keysAfter('remove').toSorted()).toEqual(written.toSorted())
  // One listing for each exchange before its rows are read, and one to remove them.
  expect(keysAfter('list')).toHaveLength(3)
  expect(sent).toHaveLength(4 * written.length + 3)
})

it('counts rows that are read in the first stage and written in the last, in the manifest and in the status', async () => {
  const manifest = await run()
  expect(manifest.totals).toMatchObject({ rowsRead: 400, rows: 5, rowsFiltered: 395, rowsRejected: 0 })
  const [summary] = await listRuns(output, { now: () => 1_000_000, isAlive: () => false })
  expect(summary).toMatchObject({ rowsRead: 400, rowsWritten: 5, status: 'complete' })
  expect(summary!.batches).toBe(summary!.batchesDone)
  expect(summary!.batches).toBe(4)
})

it('refuses a run whose exchanged rows are fewer than the stage before wrote', async () => {
  onRequest = ({ operation, key }, phase) => {
    if (operation !== 'create' || phase !== 'after' || !key.endsWith('/outcomes/0.json') || key.includes('/stages/'))
      return
    const outcome = JSON.parse(Buffer.from(output.objects.get(key)!).toString())
    outcome.exchange.files[0].rows++
    outcome.rowsWritten++
    output.objects.set(key, Buffer.from(JSON.stringify(outcome)))
  }
  await expect(run()).rejects.toMatchObject({
    code: 'ACCOUNT_MISMATCH',
    message: expect.stringContaining('rows of the stage before'),
  })
})

it('orders enums by their text in measures and in distinct, however rows are cut', async () => {
  const rows = task({
    name: 'levels',
    source: files({ paths: '*.csv', format: csv() }),
    columns: { number: column.int32() },
    output: parquet({ path: 'levels' }),
  })
    .sql`SELECT number // 1000 AS key, number, CAST(['z', 'm', 'a'][number % 3 + 1] AS ENUM('z', 'm', 'a')) AS level FROM input`
  const measures = {
    least: min('level'),
    most: max('level'),
    first: first('number', { orderBy: ['level', 'number'] }),
    all: listOf('level', { orderBy: ['level', 'number'], limit: 2 }),
  }
  const reduced = rows.reduce({ by: ['key'], measures })
  const latest = rows.distinct({ by: ['key'], latest: 'level' })
  const texts = await Promise.all(
    [300, 100_000].map(async groupBytes => {
      const found: unknown[] = []
      for (const each of [reduced, latest]) {
        const [input, output] = [memoryStore(), memoryStore()]
        for (const file of [0, 1, 2, 3])
          await input.write(
            `${file}.csv`,
            Buffer.from(`number\n${Array.from({ length: 500 }, (_, at) => at * 4 + file).join('\n')}\n`),
          )
        const run = await openStagedRun(each, { input, output, groupBytes })
        await run.run().finally(() => run.close())
        const all = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'levels' })).rows())
        found.push(all.toSorted((a, b) => Number(a.key) - Number(b.key)))
      }
      return found
    }),
  )
  const expected = [
    [
      { key: 0, least: 'a', most: 'z', first: 2, all: ['a', 'a'] },
      { key: 1, least: 'a', most: 'z', first: 1001, all: ['a', 'a'] },
    ],
    [
      { key: 0, number: 999, level: 'z' },
      { key: 1, number: 1998, level: 'z' },
    ],
  ]
  expect(texts).toEqual([expected, expected])
}, 60_000)
