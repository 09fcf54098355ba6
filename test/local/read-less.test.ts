/** Columns, partitions and row groups that a task does not need are not read. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDataset, sql } from '../../lib/index.ts'
import { s3Store } from '../../lib/store/s3/store.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'
import { type Project, project } from './project.ts'

/** Twelve columns: `id` grows, the others hardly compress. Four shops, 20 row groups each. */
const columnNames = Array.from({ length: 9 }, (_, at) => `t${at}`)
const rowCount = 4 * 20 * 2048
const rows = `SELECT i AS id, i % 4 AS shop, (i * 7919) % 1000003 AS amount, ${columnNames.map((name, at) => `md5((i * 31 + ${at})::VARCHAR) AS ${name}`).join(', ')} FROM range(${rowCount}) AS t(i)`
const declared = `{ id: column.int64(), shop: column.int32(), amount: column.int64(), ${columnNames.map(name => `${name}: column.string()`).join(', ')} }`

const pipeline = (reading: string) => `
import { column, files, parquet, parquetFiles, partitionsOf, pipeline, sql, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'in/*.parquet', format: parquetFiles() }),
  columns: ${declared},
  output: parquet({ path: 'sales', partitionBy: ['shop'], rowGroupRows: 2048 }),
})
${reading}
export default pipeline({ name: 'shops', tasks: [sales, some] })
`
const chosen = `const some = task({
  name: 'some',
  source: partitionsOf(sales, { columns: ['id', 't3'], where: sql\`shop in (1, 2) and id >= \${150000}\` }),
  output: parquet({ path: 'some' }),
})`

let s3: S3Server
/** Sales are written once to a disk and once to S3. */
let shared: Project
let duck: Awaited<ReturnType<DuckDBInstance['connect']>>
beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' })
  s3 = await startS3Server()
  process.env.AWS_ENDPOINT_URL_S3 = s3.endpoint
  duck = await (await DuckDBInstance.create(':memory:')).connect()
  shared = project(pipeline(chosen), { 'in/.keep': '' })
  await duck.run(`COPY (${rows}) TO '${shared.folder}/in/all.parquet' (FORMAT parquet, ROW_GROUP_SIZE 20480)`)
  await shared.run({ task: 'sales' })
  await shared.run({ task: 'sales', output: 's3://lake/out' })
})
afterAll(() => s3.stop())

async function query(sql: string): Promise<unknown[]> {
  return (await duck.run(sql)).getRowObjectsJson()
}

/** Bytes of the ranges that were requested of objects with this ending. */
function bytesRequested(ending: string, since: number): number {
  const reads = s3.requests.slice(since).filter(({ method, key }) => method === 'GET' && key.endsWith(ending))
  return reads.reduce((sum, { key, headers }) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    return sum + (end === undefined ? (s3.objects.get(key)?.bytes.length ?? 0) : Number(end) - Number(start) + 1)
  }, 0)
}

/** Bytes of the footer, and of the chunks of `id` and `t3` in row groups whose greatest `id` is large enough. */
async function neededBytes(file: string, content: Buffer, idMin: number): Promise<number> {
  writeFileSync(file, content)
  const groups = `SELECT row_group_id FROM parquet_metadata('${file}') WHERE path_in_schema = 'id' AND stats_max_value::BIGINT >= ${idMin}`
  const [sum] = await query(
    `SELECT coalesce(sum(total_compressed_size), 0)::DOUBLE AS bytes FROM parquet_metadata('${file}') WHERE path_in_schema IN ('id', 't3') AND row_group_id IN (${groups})`,
  )
  return content.readUInt32LE(content.length - 8) + 8 + (sum as { bytes: number }).bytes
}

async function expectRows(path: string): Promise<void> {
  const found = await Array.fromAsync((await openDataset(path)).rows())
  const expected = await query(`SELECT id || ' ' || t3 AS pair FROM (${rows}) WHERE shop IN (1, 2) AND id >= 150000`)
  expect(found.map(({ id, t3 }) => `${id} ${t3}`).sort()).toEqual(
    expected.map(row => (row as { pair: string }).pair).sort(),
  )
  expect(Object.keys(found[0] ?? {})).toEqual(['id', 't3'])
}

describe('partitionsOf with columns and where', () => {
  it('reads from S3 only footers, and the chunks of columns and row groups that are needed', async () => {
    const some = shared
    const since = s3.requests.length
    const { tasks, error } = await some.run({ output: 's3://lake/out', task: 'some' })
    expect(error).toBeUndefined()
    const { parts } = (await openDataset('s3://lake/out/sales')).manifest
    const read = parts.filter(({ partition }) => ['1', '2'].includes(partition?.shop ?? ''))
    let [needed, requested] = [0, 0]
    for (const { key } of read) {
      const found = [...s3.objects].find(([name]) => name.endsWith(key))
      needed += await neededBytes(join(some.folder, 'part'), found![1].bytes, 150_000)
      requested += bytesRequested(key, since)
    }
    expect(requested).toBeGreaterThanOrEqual(needed)
    expect(requested).toBeLessThanOrEqual(1.05 * needed)
    expect(bytesRequested('.parquet', since)).toBe(requested)
    expect(tasks.at(-1)).toMatchObject({ bytesIn: requested, partsSkipped: parts.length - read.length })
    expect(tasks.at(-1)!.rowGroupsSkipped).toBeGreaterThan(2 * 15)
    await expectRows('s3://lake/out/some')
  })

  it('reads the same rows of parts on a disk, where the engine opens the parts themselves', async () => {
    const some = shared
    const part = (await some.run({ task: 'some' })).tasks.at(-1)
    expect(part).toMatchObject({ status: 'complete', partsSkipped: expect.any(Number) })
    expect(part!.partsSkipped).toBeGreaterThanOrEqual(2)
    expect(part!.rowGroupsSkipped).toBeGreaterThan(2 * 15)
    expect(part!.rowsRead).toBeLessThan(rowCount / 10)
    expect(part!.bytesIn).toBeLessThan(some.manifest('sales').totals.bytes / 30)
    await expectRows(join(some.out, 'some'))
  })

  it('keeps the numbers of rows in their parts, also where row groups before them were not read', async () => {
    const numbered = chosen.replace('output:', "provenance: ['_archive', '_line'], output:")
    const some = shared
    some.write({ 'pipeline.ts': pipeline(numbered) })
    for (const path of ['s3://lake/out', some.out]) {
      expect(await some.run({ output: path, task: 'some' })).toMatchObject({ status: 'complete' })
      const reading = await openDataset(path === some.out ? join(path, 'some') : `${path}/some`)
      for await (const { id, _line } of reading.rows()) if (id === 150_001n) expect(_line).toBe(37_501n)
    }
  })

  it('reads all row groups where a row may be a reject', async () => {
    const checked = chosen.replace(
      'output:',
      "checks: [{ that: sql`id <> 5`, reason: 'five' }], rejects: { max: 1 }, output:",
    )
    const some = shared
    some.write({ 'pipeline.ts': pipeline(checked) })
    const { tasks } = await some.run({ task: 'some' })
    expect(tasks.at(-1)).toMatchObject({ status: 'complete', rowsRejected: 1, rowGroupsSkipped: 0 })
    await expectRows(join(some.out, 'some'))
  })
})

describe('a task over Parquet files', () => {
  it('reads from S3 only the chunks of its columns', async () => {
    const text = `
import { column, files, parquet, parquetFiles, pipeline, task } from 'fanmill'
const some = task({
  name: 'some',
  source: files({ paths: 'in/*.parquet', format: parquetFiles() }),
  columns: { id: column.int64(), t3: column.string() },
  output: parquet({ path: 'some' }),
})
export default pipeline({ name: 'shops', tasks: [some] })
`
    const some = project(text)
    const content = readFileSync(join(shared.folder, 'in/all.parquet'))
    const store = s3Store({ kind: 's3', bucket: 'incoming', prefix: '', region: 'us-east-1', endpoint: s3.endpoint })
    await store.write('in/all.parquet', content)
    const since = s3.requests.length
    const { tasks, error } = await some.run({ input: 's3://incoming' })
    expect(error).toBeUndefined()
    expect(tasks.at(-1)).toMatchObject({ rowsWritten: rowCount })
    const needed = await neededBytes(join(some.folder, 'whole'), content, 0)
    expect(tasks.at(-1)!.bytesIn).toBeLessThanOrEqual(1.05 * needed)
    // The identity of an object without a checksum is a hash of its content, which plan reads.
    expect(bytesRequested('all.parquet', since) - content.length).toBeLessThanOrEqual(1.05 * needed)
  })
})

it('compares texts by a collation only where a statement says so', async () => {
  const who = "CASE i % 4 WHEN 0 THEN 'Zed' WHEN 1 THEN 'alpha' WHEN 2 THEN 'alphA' ELSE 'ZeD' END"
  const source = `SELECT ${who} AS who, i::INT AS v FROM range(9000) AS t(i)`
  const { folder, out, run } = project(
    `
import { aggregate, count, files, parquet, parquetFiles, partitionsOf, pipeline, sql, task } from 'fanmill'
const source = files({ paths: 'in/*.parquet', format: parquetFiles() })
const base = task({ name: 'base', source, output: parquet({ path: 'base', rowGroupRows: 2048 }) })
const early = task({ name: 'early', source: partitionsOf(base, { where: sql\`who < ('b' collate nocase)\` }), output: parquet({ path: 'early' }) })
const grouped = task({ name: 'grouped', source, output: parquet({ path: 'grouped' }) })
  .sql\`select who collate nocase as who from input\`.reduce({ by: ['who'], measures: { n: count() } })
const nested = task({ name: 'nested', source, output: parquet({ path: 'nested' }) })
  .sql\`select [who collate nocase] as list, { a: { b: who collate nocase }, n: v } as pair, map([who collate nocase], [1]) as map, array_value(who collate nocase) as fixed from input\`
  .sql\`select list[1] as k1, pair.a.b as k2, map_keys(map)[1] as k3, fixed[1] as k4, list, pair, map, list[1] = 'ALPHA' as is_alpha from input\`
  .reduce({ by: ['k1', 'k2', 'k3', 'k4', 'is_alpha'], measures: { n: count(), least: aggregate({ columns: ['list', 'pair', 'map'], partial: { l: 'max(list[1])', p: 'max(pair.a.b)', m: 'max(map_keys(map)[1])' }, combine: { l: 'max({l})', p: 'max({p})', m: 'max({m})' }, finish: 'concat({l}, {p}, {m})' }) } })
export default pipeline({ name: 'texts', tasks: [base, early, grouped, nested] })`,
    { 'in/.keep': '' },
  )
  await duck.run(`COPY (${source}) TO '${folder}/in/all.parquet'`)
  expect((await run()).status).toBe('complete')
  const written = (path: string) => query(`SELECT * FROM '${out}/${path}/*.parquet' ORDER BY ALL`)
  expect(await written('early')).toEqual(await query(`FROM (${source}) WHERE lower(who) = 'alpha' ORDER BY ALL`))
  expect(await written('grouped')).toEqual(
    await query(`SELECT who, count(*) AS n FROM (${source}) GROUP BY who ORDER BY ALL`),
  )
  const key = 'who AS k1, who AS k2, who AS k3, who AS k4, false AS is_alpha'
  expect(await written('nested')).toEqual(
    await query(`SELECT ${key}, count(*) AS n, who || who || who AS least FROM (${source}) GROUP BY who ORDER BY ALL`),
  )
})

it('reads, joins, sorts and groups rows whose columns have names of the engine', async () => {
  const names = ['file_row_number', 'file_index', 'filename', 'bucket', 'constructor']
  const values = names.map((name, at) => `((i * ${7 + at}) % ${11 + at})::INT AS ${name}`)
  const source = `SELECT 'p' || i % 3 AS p, i::INT AS v, ${values.join(', ')} FROM range(9000) AS t(i)`
  const { folder, out, run } = project(
    `
import { column, count, files, joinOf, parquet, parquetFiles, partitionsOf, pipeline, sql, task } from 'fanmill'
const source = files({ paths: 'in/*.parquet', format: parquetFiles() })
const base = task({ name: 'base', source, columns: { p: column.string(), v: column.int32(), ${names.map(name => `${name}: column.int32()`)} }, output: parquet({ path: 'base', partitionBy: ['p'], sortBy: ['v'], rowGroupRows: 2048 }) })
const late = task({ name: 'late', source: partitionsOf(base, { where: sql\`v >= 6500\` }), output: parquet({ path: 'late', partitionBy: ['constructor'] }) }).mapRows(row => [row])
const joined = task({ name: 'joined', source: joinOf({ left: base, right: late }, { on: ['v', 'p', 'file_index'], prefix: 'late_' }), output: parquet({ path: 'joined' }) })
const sorted = task({ name: 'sorted', source, output: parquet({ path: 'sorted', sortBy: { columns: ['filename', 'v'], global: true } }) })
const grouped = task({ name: 'grouped', source, output: parquet({ path: 'grouped' }) }).reduce({ by: ['bucket'], measures: { n: count() }, buckets: 4 })
export default pipeline({ name: 'names', tasks: [base, late, joined, sorted, grouped] })`,
    { 'in/.keep': '' },
  )
  await duck.run(`COPY (${source}) TO '${folder}/in/all.parquet'`)
  expect((await run()).status).toBe('complete')
  const all = (from: string, where = 'true') =>
    query(
      `SELECT v, ${names.map(name => `${name}::INT AS ${name}`).join(', ')} FROM (${from}) WHERE ${where} ORDER BY v`,
    )
  const written = (path: string) => `SELECT * FROM read_parquet('${out}/${path}/**/*.parquet')`
  const late = await all(source, 'v >= 6500')
  for (const path of ['late', 'joined']) expect(await all(written(path))).toEqual(late)
  expect(await all(written('sorted'))).toEqual(await all(source))
  expect(await query(`${written('grouped')} ORDER BY ALL`)).toEqual(
    await query(`SELECT bucket, count(*) AS n FROM (${source}) GROUP BY bucket ORDER BY ALL`),
  )
  for (const shard of [undefined, { index: 1, count: 3 }]) {
    const read = (await openDataset(join(out, 'base'))).rows({ where: sql`v >= 6500`, shard })
    const found = (await Array.fromAsync(read)).toSorted((a, b) => Number(a.v) - Number(b.v))
    const own = late.filter(row => !shard || (row as { v: number }).v % 3 === 1)
    expect(found.map(({ p: _, ...row }) => row)).toEqual(own)
  }
})
