import { expect, it } from 'vitest'
import { readRejectFiles } from '../../lib/local/state.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { parquetOf } from '../engine/converting.ts'

const old = `select 'z.zip' as archive, 'm.csv' as member, 3::bigint as line, 2::bigint as record, 'id' as "column",
  'int32' as expected, 'x' as received`

it('reads rejects of older runs, which have no text, beside those that have it', async () => {
  const store = memoryStore()
  await store.write('old.parquet', await parquetOf(old))
  await store.write('new.parquet', await parquetOf(`select *, 'x,1' as text from (${old})`))
  const rejects = await readRejectFiles(store, [{ key: 'old.parquet' }, { key: 'new.parquet' }])
  expect(rejects).toMatchObject([
    { member: 'm.csv', line: 3, record: 2, column: 'id', received: 'x', text: null },
    { member: 'm.csv', line: 3, record: 2, column: 'id', received: 'x', text: 'x,1' },
  ])
})
