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
