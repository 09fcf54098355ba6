/** The asset as it is deployed: its handlers, threads and engine, in a process of their own with nothing of the repository. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it, vi } from 'vitest'
import { type S3Server, startS3Server } from '../store/s3/server.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'
import { Account, pipelineText } from './account.ts'
import { executeAsset } from './asset-execution.ts'

// The asset is made in this process, of the sources.
vi.unmock('../../lib/bundle/entry-url.ts')

const month = '2001-01'
let account: Account
let server: S3Server | undefined
afterEach(async () => {
  await account.close()
  await server?.stop()
  vi.unstubAllEnvs()
})

it('plans, processes over its threads and commits when bundled', async () => {
  account = await Account.open(
    pipelineText({ steps: '.mapRows(({ x, y }) => ({ x, y, z: x + y }), { adds: { z: column.int32() } })' }),
  )
  const event = await account.upload(`incoming/${month}/a.zip`, { 'a.csv': 'x,y\n1,2730517\n' })
  const stdout = await executeAsset(account, 'points', event)
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(lines.at(-1)).toEqual({ done: true, shipped: '' })
  const metrics = lines.find(line => line._aws)
  expect(metrics).toMatchObject({ task: 'points', Rows: 1, Rejects: 0, Bytes: 14 })
  expect(Object.keys(metrics)).toEqual(expect.arrayContaining(['Speed', 'PeakMemory']))
  expect(lines.filter(line => line.message).map(line => line.message)).toEqual(['planned', 'processed', 'committed'])
  expect(stdout).not.toContain('2730517')
  expect(await account.rows(`points/${month}`)).toEqual([{ x: 1, y: 2730517, z: 2730518 }])
  expect(JSON.parse(await readFile(join(account.folder, 'output/points', month, '_SUCCESS'), 'utf8')).totals.rows).toBe(
    1,
  )
})

it('reads tar archives, bzip2, xz and archives in archives from S3', async () => {
  const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
  account = await Account.open(archivesPipeline)
  server = await startS3Server()
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint)
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']) vi.stubEnv(name, 'us-east-1')
  vi.stubEnv('FANMILL_INPUT', 's3://uploads/in')
  const put = (key: string, bytes: Buffer): void => {
    server?.objects.set(`in/${key}`, { bytes, etag: createHash('md5').update(bytes).digest('hex'), token: '' })
  }
  const small = (id: number): Buffer => Buffer.from(`id,name\n${id},n\n`)
  for (const ending of ['bz2', 'xz']) {
    put(`archives/pax.tar.${ending}`, fixture(`tar/pax.tar.${ending}`))
    put(`files/rows.csv.${ending}`, fixture(`compressed/rows.csv.${ending}`))
  }
  put('archives/a.tar', buildTar({ 'data/a.csv': small(11), 'data/b.csv.bz2': fixture('compressed/small.csv.bz2') }))
  put(
    'archives/b.tgz',
    gzipSync(buildTar({ 'data/a.csv': small(12), 'data/c.csv.xz': fixture('compressed/small.csv.xz') })),
  )
  put(
    'archives/c.zip',
    buildZip({
      'data/in.zip': buildZip({ 'd.csv': small(13) }),
      'data/in.tgz': gzipSync(buildTar({ 'e.csv': small(14) })),
    }),
  )
  await executeAsset(account, 'archives', {})
  const rows = await account.rows('archives')
  expect(rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))).toEqual([
    ...[1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 11, 12, 13, 14],
  ])
  expect(server.requests.filter(({ headers }) => headers.range).length).toBeGreaterThan(3)
  await account.execute('files', {})
  expect(await account.rows('files')).toHaveLength(30_000)
})

const archivesPipeline = `
import { column, csv, files, parquet, pipeline, task, zipMembers } from 'fanmill'
const columns = { id: column.int32(), name: column.string() }
const archives = task({
  name: 'archives',
  source: zipMembers({ paths: 'archives/*', members: 'data/**/*.csv*', nested: true, format: csv() }),
  columns,
  output: parquet({ path: 'archives' }),
})
const rows = task({
  name: 'files',
  source: files({ paths: 'files/*', format: csv() }),
  columns: { id: column.int32() },
  output: parquet({ path: 'files' }),
})
export default pipeline({ name: 'kinds', tasks: [archives, rows] })
`
