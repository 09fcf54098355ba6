/** Delta tables on S3 that Fanmill and delta-rs write together. */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDataset } from '../../lib/datasets/dataset.ts'
import { readTable } from '../../lib/delta/read-table.ts'
import { openStore } from '../../lib/store/open-store.ts'
import { changeOf, tableIn, write } from '../delta/table.ts'
import { type Project, project } from '../local/project.ts'
import { python, readWithPython, writeWithPython } from '../local/python-tables.ts'
import { endpoint, environment } from './environment.ts'

const pipeline = `
import { column, csv, delta, files, param, pipeline, task } from 'fanmill'
export const sales = task({
  name: 'sales',
  params: { shop: param.string() },
  source: files({ paths: '{shop}/*.csv', format: csv() }),
  columns: { id: column.int64(), customer: column.string(), amount: column.decimal(9, 2) },
  output: delta({ path: 'sales', partitionBy: ['customer'], mode: 'append' }),
})
export default pipeline({ name: 'sales', tasks: [sales] })
`

/** A file with one sale for each id; customers have names that are escaped in keys. */
const salesOf = (ids: readonly number[]): string =>
  ['id,customer,amount', ...ids.map(id => `${id},${customers[id % customers.length]},${id}.50`)].join('\n')
const customers = ['anna', '100%/=#?', "it's"]

describe.skipIf(!endpoint || !python)('a Delta table on S3', () => {
  const bucket = `delta-${randomUUID()}`
  // `etag` has delta-rs create versions with If-None-Match, as S3 supports it.
  const options = { ...environment, AWS_ALLOW_HTTP: 'true', aws_conditional_put: 'etag' }
  const theirs = { mode: 'append', partition_by: ['customer'], storage_options: options }
  const addressOf = (lake: string) => `s3://${bucket}/${lake}/sales`

  beforeAll(async () => {
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: bucket }))
  })

  const append = async (made: Project, lake: string, shop: string): Promise<void> => {
    const runOnce = () =>
      made
        .run({ output: `s3://${bucket}/${lake}`, params: { shop } })
        .catch((error: unknown) => ({ error, status: 'failed' }))
    let ran = await runOnce()
    // Another run was committing at that moment: run again, as the error says.
    for (let tries = 1; tries < 100 && (ran.error as { code?: string })?.code === 'OUTPUT_LOCKED'; tries++) {
      await setTimeout(100)
      ran = await runOnce()
    }
    expect(ran.error).toBeUndefined()
    // Another run may have completed the commit.
    expect(['complete', 'skipped']).toContain(ran.status)
  }
  const theirRow = (id: number) => [{ id, customer: customers[id % customers.length], amount: id }]
  const idsIn = async (lake: string, version?: number): Promise<number[]> => {
    const { rows } = await readWithPython(addressOf(lake), { options, version: version ?? null })
    return rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
  }

  it('of Fanmill is read by delta-rs and polars, with its rows, types, partitions and old versions', async () => {
    const made = project(pipeline, { 'x/1.csv': salesOf([1, 2, 3]), 'y/1.csv': salesOf([4]) })
    await append(made, 'ours', 'x')
    await append(made, 'ours', 'y')
    const { version, types, rows } = await readWithPython(addressOf('ours'), { options })
    expect(version).toBe(1)
    expect(types).toEqual({ id: 'Int64', customer: 'String', amount: 'Decimal(precision=9, scale=2)' })
    const found = rows.map(({ id, customer, amount }) => [id, customer, amount])
    const expected = [1, 2, 3, 4].map(id => [id, customers[id % customers.length], `${id}.50`])
    expect(found.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(expected)
    expect(await idsIn('ours', 0)).toEqual([1, 2, 3])
  })

  it('is read by delta-rs where values of partitions have spaces and letters outside of ASCII, whose keys on S3 polars does not find', async () => {
    const made = project(pipeline, { 'x/1.csv': 'id,customer,amount\n1,a b/ü%,1' })
    await append(made, 'spaces', 'x')
    const { rows } = await readWithPython(addressOf('spaces'), { options, withPolars: false })
    expect(rows).toEqual([{ id: 1, customer: 'a b/ü%', amount: '1.00' }])
  })

  it('of delta-rs is appended to by Fanmill, and by delta-rs again', async () => {
    const made = project(pipeline, { 'x/1.csv': salesOf([1, 2]) })
    await writeWithPython(addressOf('both'), theirRow(100), theirs)
    await append(made, 'both', 'x')
    await writeWithPython(addressOf('both'), theirRow(101), theirs)
    expect(await idsIn('both')).toEqual([1, 2, 100, 101])
    const ours = await openDataset(addressOf('both'))
    const rows = await Array.fromAsync(ours.rows({ columns: ['id', 'customer'] }))
    const found = rows.map(({ id, customer }) => [Number(id), customer]).sort((a, b) => Number(a[0]) - Number(b[0]))
    expect(found).toEqual([1, 2, 100, 101].map(id => [id, customers[id % customers.length]]))
  })

  it('loses nothing of runs and of delta-rs that append at the same time', async () => {
    const shops = ['a', 'b', 'c', 'd']
    const made = project(pipeline, Object.fromEntries(shops.map((shop, at) => [`${shop}/1.csv`, salesOf([at])])))
    await writeWithPython(addressOf('many'), theirRow(100), theirs)
    const alongside = async () => {
      for (let id = 101; id < 106; id++) await writeWithPython(addressOf('many'), theirRow(id), theirs)
    }
    await Promise.all([...shops.map(shop => append(made, 'many', shop)), alongside()])
    expect(await idsIn('many')).toEqual([0, 1, 2, 3, 100, 101, 102, 103, 104, 105])
  })

  it('loses nothing of twenty writers of one version', async () => {
    const store = openStore({ kind: 's3', bucket, prefix: 'twenty/' })
    const apps = Array.from({ length: 20 }, (_, index) => `writer${index}`)
    await Promise.all(apps.map(app => write(store, changeOf(app, 1))))
    const { files, version } = (await readTable(tableIn(store)))!
    expect([[...files.keys()].sort(), version]).toEqual([apps.map(app => `part-${app}-1.parquet`).sort(), 19])
  })
})
