/** Reading all datasets of one task below a folder as one, on a disk and in S3. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { headDataset } from '../../lib/datasets/dataset.ts'
import { openDataset, sql } from '../../lib/index.ts'
import { fanmill } from '../cli/fanmill.ts'
import { project } from '../local/project.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'

const pipeline = `
import { column, csv, files, parquet, param, pipeline, task } from 'fanmill'
const params = { month: param.month(), isLast: param.boolean({ default: false }) }
const source = files({ paths: '{month}.csv', format: csv() })
const sales = task({
  name: 'sales', params, source, columns: { shop: column.string(), sold: column.int32() },
  output: parquet({ path: '{task}/{month}/{isLast}', partitionBy: ['shop'] }),
})
const other = task({ name: 'other', params: { month: params.month }, source, columns: { shop: column.string() }, output: parquet({ path: 'sales/other/{month}' }) })
export default pipeline({ name: 'months', tasks: [sales, other] })
`
const months = ['2024-01', '2024-02', '2024-03']
const some = project(
  pipeline,
  Object.fromEntries(months.map((month, at) => [`${month}.csv`, `shop,sold\na,${at}\nb,${at + 10}\n`])),
)
const run = (output: string, params: object) => some.run({ output, task: 'sales', params: params as never })

let s3: S3Server
beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' })
  s3 = await startS3Server()
  process.env.AWS_ENDPOINT_URL_S3 = s3.endpoint
  for (const output of [some.out, 's3://lake/out'])
    expect(await run(output, { month: '2024-01..2024-03' })).toMatchObject({ status: 'complete' })
})
afterAll(() => s3.stop())

describe.each([
  ['on a disk', some.out],
  ['in S3', 's3://lake/out'],
])('the datasets below a folder %s', (_place, output) => {
  it('are read as one, with their parameters as columns', async () => {
    const dataset = await openDataset(`${output}/sales`)
    expect(dataset.schema.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['shop VARCHAR', 'sold INTEGER', 'month VARCHAR', 'isLast BOOLEAN'],
    ])
    expect(dataset.manifest).toMatchObject({ task: 'sales', totals: { rows: 6, parts: 6 } })
    expect(dataset.manifest.runs.map(({ params }) => params.month)).toEqual(months)
    const rows = await Array.fromAsync(dataset.rows())
    expect(rows).toHaveLength(6)
    expect(rows).toContainEqual({ shop: 'b', sold: 12, month: '2024-03', isLast: false })
    const where = sql`month > ${'2024-01'} and shop = 'a' and not isLast`
    expect(await Array.fromAsync(dataset.rows({ where, columns: ['sold'] }))).toEqual([{ sold: 1 }, { sold: 2 }])
    const shard = { index: 1, count: 3 }
    expect(await Array.fromAsync(dataset.rows({ shard, columns: ['month'] }))).toEqual([
      { month: '2024-02' },
      { month: '2024-02' },
    ])
    expect(tableFromIPC(await Array.fromAsync(dataset.arrow({ columns: ['month'] }))).numRows).toBe(6)
  })

  it('have first rows', async () => {
    const head = await headDataset(`${output}/sales`, {
      rows: 3,
      where: "month >= '2024-02'",
      columns: ['sold', 'month'],
    })
    expect(head).toEqual({
      columns: ['sold', 'month'],
      rows: [
        ['1', '2024-02'],
        ['11', '2024-02'],
        ['2', '2024-03'],
      ],
    })
  })

  it('fail with DATASET_REPLACED when one is written again meanwhile', async () => {
    const dataset = await openDataset(`${output}/sales`)
    const { status } = await some.run({ output, task: 'sales', params: { month: '2024-02' }, force: true })
    expect(status).toBe('complete')
    await expect(Array.fromAsync(dataset.rows())).rejects.toMatchObject({ code: 'DATASET_REPLACED' })
  })
})

it('datasets below a folder that are no rows of one table are named, with the reason', async () => {
  expect(await some.run({ task: 'other', params: { month: '2024-01' } })).toMatchObject({ status: 'complete' })
  await expect(openDataset(join(some.out, 'sales'))).rejects.toMatchObject({
    code: 'DATASET_MISSING',
    message: expect.stringMatching(
      /^no dataset in .+; to read them as one, expected datasets of one task below .+, got some of sales and other$/,
    ),
  })
  rmSync(join(some.out, 'sales/other'), { recursive: true })
})

it('a part in place of a dataset is refused with the folder of its dataset', async () => {
  const place = join(some.out, 'sales/2024-01/false')
  const [part] = (await openDataset(place)).parts
  const file = join(place, part!.key)
  await expect(openDataset(file)).rejects.toMatchObject({
    code: 'DATASET_MISSING',
    message: `expected the folder of a dataset, got the file ${file}; give the folder that holds _SUCCESS: ${place}`,
  })
})

it('head prints the rows of all datasets below a folder, also of a copy', async () => {
  cpSync(join(some.out, 'sales'), join(some.folder, 'copy'), { recursive: true })
  const { stdout, stderr, code } = await fanmill(['head', 'copy', '--where', "shop = 'b'"], { cwd: some.folder })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .slice(-3)
      .map(line => line.trim().split(/\s+/)),
  ).toEqual(months.map((month, at) => ['b', String(at + 10), month, 'false']))
})
