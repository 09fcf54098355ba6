/** Row groups of parts whose rows have long lists. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet'
import { expect, it, onTestFinished } from 'vitest'
import { type WriteOptions, writeParts } from '../../../lib/engine/write/write-parts.ts'

const groupsOf = async (file: string): Promise<number[]> => {
  const { row_groups: groups } = await parquetMetadataAsync(await asyncBufferFromFile(file))
  return groups.map(group => Number(group.num_rows))
}

it('splits a part into files of equal rows, whose row groups have bounded bytes, and no empty file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-split-'))
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  onTestFinished(() => {
    connection.closeSync()
    rmSync(folder, { recursive: true })
  })
  await connection.run('SET preserve_insertion_order = false')
  // A row group has 6 MiB, and a row 800 bytes.
  const options: WriteOptions = {
    ...{ partitionBy: [], sortBy: [], compression: 'uncompressed', bloomFilters: false, rowGroupRows: 122_880 },
    ...{ partBytes: 1e9, partitionsMax: 10, room: { columns: 2, memoryBytes: 24 * 2 ** 20 } },
  }
  const list = 'list_transform(range(100), lambda x: (x * 7919 + n * 104729) % 1000003 / 3)'
  const query = { sql: `SELECT n, ${list} AS list FROM range(24576) t(n)`, values: [] }
  const [whole] = await writeParts(connection, query, join(folder, 'whole'), options)
  const { file } = whole!
  expect((await groupsOf(file)).length).toBeGreaterThan(2)
  const rows = { sql: `SELECT * FROM read_parquet('${file}')`, values: [] }
  const split = { file, fileRows: 12_288 }
  const parts = await writeParts(connection, rows, join(folder, 'split'), { ...options, split })
  expect(parts.map(part => part.rows)).toEqual([12_288, 12_288])
  for (const part of parts) expect(await groupsOf(part.file)).toEqual([6144, 6144])
})
