/** Rows between stages that do not fit into the memory of an engine. */
import { afterEach, expect, it } from 'vitest'
import { column, csv, files, parquet, type TaskDefinition, task } from '../../lib/index.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { openStagedRun, type StagedRun } from './staged-run.ts'

const engineBytes = 192 * 2 ** 20
const rowCount = 130_000
/** 260 MB, of which a file has little. */
const wide = task({
  name: 'wide',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { id: column.int64(), shop: column.string() },
  output: parquet({ path: 'wide' }),
}).sql<{ long: string }>`select *, repeat(chr((65 + id % 26)::int), 2000) || id as long from input`

const input = memoryStore()
const output = memoryStore()
let staged: StagedRun
afterEach(() => staged.close())

async function open(of: TaskDefinition): Promise<StagedRun> {
  const rows = Array.from({ length: rowCount }, (_, row) => `${row},s${row % 7}\n`)
  await input.write('a.csv', Buffer.from(`id,shop\n${rows.join('')}`))
  output.objects.clear()
  staged = await openStagedRun(of, { input, output, engineBytes, groupBytes: 2 ** 24 })
  return staged
}

it('writes rows by bucket that are too wide to wait for each other in memory', async () => {
  const lengths = wide.exchange({ by: ['id'], buckets: 20 }).sql({ scope: 'bucket' })`
    select id, cast(sum(length(long)) as bigint) as bytes from input group by id`
  const { totals } = await (await open(lengths)).run()
  expect(totals).toMatchObject({ rows: rowCount, rowsRead: rowCount })
})

it('writes wide rows that all have one key', async () => {
  const lengths = wide.exchange({ by: ['shop'], buckets: 1 }).sql({ scope: 'bucket' })`
    select shop, cast(sum(length(long)) as bigint) as bytes from input group by shop`
  const { totals } = await (await open(lengths)).run()
  expect(totals).toMatchObject({ rows: 7, rowsRead: rowCount })
})

it('fails with BUCKET_TOO_LARGE and the keys with the most rows, where the rows of a key do not fit into memory', async () => {
  const lists = wide.exchange({ by: ['shop'], buckets: 1 }).sql({ scope: 'bucket' })`
    select shop, string_agg(long, ',' order by id) as longs from input group by shop`
  const error = await (await open(lists)).run().catch((fault: unknown) => fault)
  expect(error).toMatchObject({
    code: 'BUCKET_TOO_LARGE',
    message: expect.stringContaining(
      'bucket 0: expected rows that fit into the memory of a thread, got 130,000; set more buckets',
    ),
    detail: expect.objectContaining({ rows: rowCount, received: expect.stringContaining('s0 (18,572 rows)') }),
  })
})
