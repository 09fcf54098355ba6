import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runSession } from '../../lib/local/run.ts'
import { openSession } from '../../lib/local/session.ts'
import { openStore } from '../../lib/store/open-store.ts'
import type { Store } from '../../lib/store/store.ts'
import { fanmill, folderOf } from '../cli/fanmill.ts'
import { buildZip } from '../zip-builder.ts'
import { type CountingProxy, startProxy } from './counting-proxy.ts'
import { endpoint, environment } from './environment.ts'

const membersCount = 60
const rowsPerMember = 400
/** Requests for the head, the run and the commit, for any number of batches. */
const requestsOfAnyRun = 30
/** Rows for several batches of several slices. */
const manyRowsPerMember = 8000
const pipeline = `
import { column, csv, parquet, pipeline, task, zipMembers } from 'fanmill'
const visits = task({
  name: 'visits',
  source: zipMembers({ paths: 'incoming/*.zip', members: '*.csv', format: csv() }),
  columns: { member: column.int32(), row: column.int32(), city: column.string(), code: column.string() },
  output: parquet({ path: '{task}', partitionBy: ['city'] }),
})
export default pipeline({ name: 'visits', tasks: [visits] })
`

describe.skipIf(!endpoint)('a run from S3 to S3', () => {
  const bucket = `runs-${randomUUID()}`
  let client: S3Client
  let proxy: CountingProxy
  let folder: string
  const put = (key: string, body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
  const runInto = (output: string, ...more: readonly string[]): string[] => {
    const roots = ['--input', `s3://${bucket}/data`, '--output', `s3://${bucket}/${output}`]
    return ['run', 'pipeline.ts', ...roots, ...more, '--json']
  }

  beforeAll(async () => {
    client = new S3Client({ forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await put('data/incoming/visits.zip', archiveOf(rowsPerMember))
    proxy = await startProxy(endpoint)
  })
  beforeEach(() => {
    folder = folderOf({ 'pipeline.ts': pipeline })
    proxy.seen.length = 0
    Object.assign(process.env, environment)
  })
  afterAll(() => proxy.stop())

  it('leaves the rows of the source as Parquet, _SUCCESS last and no upload open, and nothing on the laptop', async () => {
    const profiles = folderOf({
      config: '[profile lab]\nregion = us-east-1\n',
      credentials: '[lab]\naws_access_key_id = test\naws_secret_access_key = test\n',
    })
    const env = {
      AWS_ENDPOINT_URL: proxy.endpoint,
      AWS_CONFIG_FILE: join(profiles, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(profiles, 'credentials'),
    }
    const args = runInto('lake', '--profile', 'lab')
    const runOnce = () => {
      // Credentials and region come only from the profile.
      for (const name of Object.keys(environment)) delete process.env[name]
      const running = fanmill(args, { cwd: folder, env })
      Object.assign(process.env, environment)
      return running
    }
    const { code, stdout, stderr } = await runOnce()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const end = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    expect(end.tasks[0]).toMatchObject({
      status: 'complete',
      rowsWritten: membersCount * rowsPerMember,
      output: `s3://${bucket}/lake/visits`,
    })
    expect(await rowsOf(openStore({ kind: 's3', bucket, prefix: 'lake/' }))).toEqual(expectedRows())
    const written = proxy.seen.filter(
      ({ method, path, query }) =>
        /PUT|POST/.test(method) && !query.has('uploads') && path.startsWith(`/${bucket}/lake/visits/`),
    )
    expect(written.at(-1)?.path).toBe(`/${bucket}/lake/visits/_SUCCESS`)
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([])
    expect(readdirSync(folder)).toEqual(['pipeline.ts'])
    const again = await runOnce()
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1) ?? '').status).toBe('skipped')
    const show = async (...words: string[]) => JSON.parse((await fanmill([...words, '--json'], { cwd: folder })).stdout)
    expect(await show('runs', '--output', `s3://${bucket}/lake`)).toMatchObject([
      { status: 'complete', task: 'visits' },
    ])
    expect(await show('show', `s3://${bucket}/lake/visits`)).toMatchObject({
      totals: { rows: membersCount * rowsPerMember },
    })
    expect((await show('head', `s3://${bucket}/lake/visits`, '--rows', '3')).rows).toHaveLength(3)
  })

  it('stays within its budget of requests and bytes', async () => {
    const archive = archiveOf(manyRowsPerMember)
    await put('many/incoming/visits.zip', archive)
    process.env.AWS_ENDPOINT_URL = proxy.endpoint
    const options = { input: `s3://${bucket}/many`, output: `s3://${bucket}/budget`, workers: 2 }
    const session = await openSession(join(folder, 'pipeline.ts'), options, { groupBytes: 1024 * 1024 })
    let plan = { slices: 0, batches: 0 }
    const result = await runSession({
      ...session,
      emit: event => {
        if (event.event === 'plan') plan = event
      },
    })
    expect(result.error).toBeUndefined()
    const { parts } = result.tasks[0]!
    const seen = proxy.seen.filter(({ path }) => path.startsWith(`/${bucket}`))
    const listings = seen.filter(
      ({ method, query }) => method === 'GET' && (query.has('list-type') || query.has('uploads')),
    )
    const state = seen.filter(({ path }) => /\/(head|run|lease|end|plan|commit|manifest)\.json$|\/_SUCCESS$/.test(path))
    const counted = seen.length - listings.length - state.length
    expect(plan.batches).toBeGreaterThan(3)
    expect(plan.slices).toBeGreaterThan(plan.batches)
    expect(listings.length + state.length).toBeLessThanOrEqual(requestsOfAnyRun)
    expect(counted).toBeLessThanOrEqual(3 * parts + 2 * plan.slices + 4 * plan.batches)
    const read = seen.filter(({ path }) => path.endsWith('.zip')).reduce((sum, { bytesRead }) => sum + bytesRead, 0)
    // The end of the archive, where its directory is, is read once and in full.
    const directoryBytes = 65_557
    expect(read).toBeLessThanOrEqual(1.02 * archive.length + directoryBytes)
  })

  it('writes a sample below the state of the real output', async () => {
    const { code, stderr } = await fanmill(runInto('sampled', '--sample', '10'), { cwd: folder, env: environment })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'sampled/' }))
    expect(Contents.filter(({ Key }) => !Key?.startsWith('sampled/.fanmill/sample/'))).toEqual([])
    expect(Contents.map(({ Key }) => Key)).toContain('sampled/.fanmill/sample/visits/_SUCCESS')
  })

  it('fails with the bucket and advice when the bucket does not exist', async () => {
    const args = ['run', 'pipeline.ts', '--input', `s3://none-${randomUUID()}/data`, '--output', `s3://${bucket}/none`]
    const { code, stderr } = await fanmill(args, { cwd: folder, env: environment })
    expect(code).toBe(1)
    expect(stderr).toContain('there is no such bucket; check its name, the account and the region')
  })
})

const cities = ['Ulm', 'Graz', 'Bern']

interface Row {
  readonly member: number
  readonly row: number
  readonly city: string
  readonly code: string
}

/** Makes codes that deflate little, so that compressed bytes are most of the archive. */
const rowsOfMember = (member: number, count = rowsPerMember): Row[] =>
  Array.from({ length: count }, (_, row) => ({
    member,
    row,
    city: cities[row % cities.length]!,
    code: ((member * 7919 + row * 104_729 + 1) ** 3 % 2 ** 48).toString(36),
  }))

const archiveOf = (rows: number): Buffer =>
  buildZip(
    Object.fromEntries(Array.from({ length: membersCount }, (_, member) => [`${member}.csv`, csvOf(member, rows)])),
  )

const csvOf = (member: number, rows: number): string =>
  [
    'member,row,city,code',
    ...rowsOfMember(member, rows).map(({ member, row, city, code }) => `${member},${row},${city},${code}`),
    '',
  ].join('\n')

const byPlace = (a: Row, b: Row): number => a.member - b.member || a.row - b.row

const expectedRows = (): Row[] => Array.from({ length: membersCount }, (_, member) => rowsOfMember(member)).flat()

async function rowsOf(store: Store): Promise<Row[]> {
  const rows: Row[] = []
  for await (const { key } of store.list('visits/')) {
    if (!key.endsWith('.parquet')) continue
    const bytes = await store.read(key)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    const city = /city=(\w+)/.exec(key)?.[1] ?? ''
    for (const { member, row, code } of await parquetReadObjects({ file, compressors }))
      rows.push({ member: Number(member), row: Number(row), city, code: String(code) })
  }
  return rows.sort(byPlace)
}
