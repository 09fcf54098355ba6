/** Broadcast tables: what rows depend on is the same whether they are fetched or only looked at. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { column, csv, files, parquet, table, task } from '../../lib/define/index.ts'
import { fetchTables, tablesIdentity } from '../../lib/inputs/tables.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store } from '../../lib/store/store.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'

const sales = task({
  name: 'sales',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  tables: { cities: table('cities.csv', csv()), rates: table('rates.csv', csv()) },
  output: parquet({ path: 'sales' }),
})

const storesOf = (input: Store) => ({ input, output: memoryStore() })
let stageFolder: string
beforeEach(async () => {
  stageFolder = await mkdtemp(join(tmpdir(), 'fanmill-tables-'))
})
afterEach(() => rm(stageFolder, { recursive: true, force: true }))

it('gives tables the identity that they have when they are fetched, of names and contents', async () => {
  const input = memoryStore()
  await input.write('cities.csv', Buffer.from('city\nRome\n'.repeat(500_000)))
  await input.write('rates.csv', Buffer.from('rate\n1\n'))
  const { files: fetched, identity } = await fetchTables({ ...storesOf(input), stageFolder }, sales, {})
  expect(await readFile(fetched[1]!.pieces[0]!.file, 'utf8')).toBe('rate\n1\n')
  expect(await tablesIdentity(storesOf(input), sales, {})).toBe(identity)
  await input.write('rates.csv', Buffer.from('rate\n2\n'))
  expect(await tablesIdentity(storesOf(input), sales, {})).not.toBe(identity)
  expect(await readdir(join(stageFolder, 'tables'))).toHaveLength(2)
})

it('says which table is not there, and what is near', async () => {
  const input = memoryStore()
  await input.write('city.csv', Buffer.from('city\n'))
  await expect(tablesIdentity(storesOf(input), sales, {})).rejects.toMatchObject({
    code: 'NO_INPUT',
    message: expect.stringContaining('table cities: expected cities.csv'),
  })
})

it('refuses a table that is larger than its limit before it is read', async () => {
  const input = memoryStore()
  await input.write('a.csv', Buffer.from('city\nRome\n'))
  await input.write('b.csv', Buffer.from('city\nParis\n'))
  const tables = { cities: table('*.csv', { bytesMax: 15 }) }
  await expect(tablesIdentity(storesOf(input), { name: 'sales', tables }, {})).rejects.toMatchObject({
    code: 'TABLE_TOO_LARGE',
    message: expect.stringMatching(
      /^task sales: table cities: expected at most 15 bytes, got 21 in \*\.csv; .* or raise its bytesMax$/,
    ),
  })
})

it.each([
  ['a zip', 'feed.zip', buildZip({ 'stops.csv': 'stop\nA\n', 'other.csv': 'x\n1\n' })],
  ['a tar archive', 'feed.tar', buildTar({ 'stops.csv': 'stop\nA\n', 'other.csv': 'x\n1\n' })],
  ['a compressed tar archive', 'feed.tgz', gzipSync(buildTar({ 'stops.csv': 'stop\nA\n', 'other.csv': 'x\n1\n' }))],
])('fetches a table from a member of %s', async (_, name, bytes) => {
  const input = memoryStore()
  await input.write(name, bytes)
  const tables = { stops: table(name, { format: csv(), member: 'stops.csv' }) }
  const of = { ...sales, tables }
  const { files: fetched, identity } = await fetchTables({ ...storesOf(input), stageFolder }, of, {})
  expect(await readFile(fetched[0]!.pieces[0]!.file, 'utf8')).toBe('stop\nA\n')
  expect(await tablesIdentity(storesOf(input), of, {})).toBe(identity)
})
