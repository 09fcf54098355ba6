/** Reading a dataset in a program: columns, conditions, shares of the rows, batches and Arrow, on a disk and in S3. */
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dataset, openDataset, sql } from '../../lib/index.ts'
import { project } from '../local/project.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'

const rowCount = 20_000
const rows = `SELECT i AS id, (i % 3)::INTEGER AS shop, CASE WHEN i % 7 = 0 THEN NULL ELSE i / 4 END AS d,
  CASE WHEN i % 5 = 0 THEN NULL ELSE 'n' || i END AS name, (i / 100)::DECIMAL(10, 2) AS price,
  TIMESTAMP '2024-01-01 00:00:00.123456' + INTERVAL (i) SECOND AS moment, DATE '2024-01-01' + (i % 300)::INTEGER AS day,
  i % 2 = 0 AS even, [i::DOUBLE, 0.5] AS list, CASE WHEN i % 11 = 0 THEN NULL ELSE [i, NULL] END AS holes,
  ['a', 'b' || i] AS words, encode('b' || i) AS bytes FROM range(${rowCount}) AS t(i)`
const pipeline = `
import { files, parquet, parquetFiles, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'in/*.parquet', format: parquetFiles() }),
  output: parquet({ path: 'sales', partitionBy: ['shop'], rowGroupRows: 2048 }),
})
export default pipeline({ name: 'shops', tasks: [sales] })
`

let s3: S3Server
const datasets: Dataset[] = []
beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' })
  s3 = await startS3Server()
  process.env.AWS_ENDPOINT_URL_S3 = s3.endpoint
  const some = project(pipeline, { 'in/.keep': '' })
  const duck = await (await DuckDBInstance.create(':memory:')).connect()
  await duck.run(`COPY (${rows}) TO '${some.folder}/in/all.parquet' (FORMAT parquet)`)
  for (const output of [some.out, 's3://lake/out']) expect((await some.run({ output })).status).toBe('complete')
  datasets.push(await openDataset(join(some.out, 'sales')), await openDataset('s3://lake/out/sales'))
})
afterAll(() => s3.stop())

describe.each([
  ['on a disk', 0],
  ['in S3', 1],
])('a dataset %s', (_place, at) => {
  it('is shared out in neighbouring ranges of rows of equal length', async () => {
    const ids = new Set<unknown>()
    for (let index = 0; index < 3; index++) {
      const shard = await Array.fromAsync(datasets[at]!.rows({ columns: ['id'], shard: { index, count: 3 } }))
      expect(Math.abs(shard.length - rowCount / 3)).toBeLessThan(1)
      for (const { id } of shard) ids.add(id)
    }
    expect(ids.size).toBe(rowCount)
    const shard = { index: 3, count: 3 }
    await expect(Array.fromAsync(datasets[at]!.rows({ shard }))).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('yields the rows that meet a condition over partitions and other columns', async () => {
    const where = sql`shop = ${1} and id > ${rowCount - 9}`
    const found = await Array.fromAsync(datasets[at]!.rows({ columns: ['id'], where }))
    expect(found).toEqual([{ id: 19_993n }, { id: 19_996n }, { id: 19_999n }])
  })

  it('yields batches with numbers in typed arrays, and lists of them too', async () => {
    const [first] = await Array.fromAsync(datasets[at]!.batches({ where: sql`id = 1` }))
    expect(first).toEqual({
      rowCount: 1,
      columns: {
        ...{ id: BigInt64Array.of(1n), shop: Int32Array.of(1), d: Float64Array.of(0.25), name: ['n1'] },
        ...{ price: ['0.01'], moment: [new Date('2024-01-01T00:00:01.123Z')], day: ['2024-01-02'], even: [false] },
        ...{ list: [Float64Array.of(1, 0.5)], holes: [[1n, null]], words: [['a', 'b1']] },
        bytes: [new TextEncoder().encode('b1')],
      },
    })
    const [null7] = await Array.fromAsync(datasets[at]!.batches({ columns: ['d'], where: sql`id = 7` }))
    expect(null7).toEqual({ rowCount: 1, columns: { d: [null] } })
  })

  it('yields an Arrow stream with the same values', async () => {
    const table = await tableFromIPC(datasets[at]!.arrow({ where: sql`id in (1, 55)` }))
    expect(String(table.schema)).toMatch(
      /id: Int64.*d: Float64.*price: Decimal.*moment: Timestamp<MICROSECOND>.*list: List<Float64>/,
    )
    const values = table
      .toArray()
      .map(row => JSON.parse(JSON.stringify(row, (_, v) => (typeof v === 'bigint' ? Number(v) : v))))
    const byId = Object.fromEntries(values.map(value => [value.id, value]))
    expect(byId[1]).toMatchObject({
      shop: 1,
      d: 0.25,
      name: 'n1',
      even: false,
      list: [1, 0.5],
      holes: [1, null],
      words: ['a', 'b1'],
    })
    expect(byId[55]).toMatchObject({ d: 13.75, name: null, holes: null })
    const all = await tableFromIPC(datasets[at]!.arrow({ columns: ['id', 'bytes'] }))
    expect(all.numRows).toBe(rowCount)
    const none = await tableFromIPC(datasets[at]!.arrow({ columns: ['id'], where: sql`id < 0` }))
    expect([none.numRows, String(none.schema)]).toEqual([0, 'Schema<{ 0: id: Int64 }>'])
  })
})

it('reads from S3 only what a query needs', async () => {
  const since = s3.requests.length
  await Array.fromAsync(datasets[1]!.rows({ columns: ['id'], where: sql`shop = 1 and id > ${rowCount - 9}` }))
  const reads = s3.requests.slice(since).filter(({ method, key }) => method === 'GET' && key.endsWith('.parquet'))
  const bytes = reads.reduce((sum, { headers }) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    return sum + Number(end) - Number(start) + 1
  }, 0)
  expect(bytes).toBeLessThan(datasets[1]!.manifest.totals.bytes / 20)
})

it('takes input.name in a condition for a column, as conditions of tasks do, also beside a column named input', async () => {
  const code = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export default pipeline({ name: 't', tasks: [task({
  name: 't',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { n: column.int32(), p: column.int32() },
  output: parquet({ path: 't', partitionBy: ['p'] }),
}).sql\`select n, p, {'n': 0, 'p': 0} as input from input\`] })`
  const some = project(code, { 'a.csv': 'n,p\n1,1\n2,1\n3,2\n' })
  expect((await some.run()).error).toBeUndefined()
  const found = (await openDataset(join(some.out, 't'))).rows({
    columns: ['n'],
    where: sql`input.p = 1 and input.n > 1`,
  })
  expect(await Array.fromAsync(found)).toEqual([{ n: 2 }])
})
